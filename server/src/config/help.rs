//! The texts of `--help` before and after the flags.

pub(super) const ABOUT: &str = "A gRPC-Web bridge that keeps deadlines and cancellation over whole calls";

pub(super) const LONG_ABOUT: &str = "\
Accepts gRPC-Web calls from browsers and gRPC calls from native clients on one port, and forwards them to gRPC \
servers (--upstream). Without an upstream it serves sample services. It also serves a page that shows open calls.

A call ends at its deadline, and when its client disconnects. Its handler is then dropped, or its stream to the \
upstream is reset.

Each flag can be set by the environment variable shown with it; a flag overrides its variable. Flags that can be \
repeated take several values in their variable, separated by commas, and by semicolons for --retry. Times are a \
number and a unit of ms, s, m or h.";

pub(super) const RETRY: &str = "\
Retries forwarded calls that fail with one of these codes (repeatable)

The full form is [NAME=]ATTEMPTS:CODES[:FIRST..LONGEST]. NAME is a service, a package or a method. A rule without NAME \
applies to all forwarded calls; the longest matching name wins. ATTEMPTS is the maximum number of attempts, 2 to 5, \
including the first one; NAME=1 turns retries off for NAME. CODES are gRPC status codes. The backoff between attempts \
grows from FIRST to LONGEST, by default from 100ms to 5s. For example:

  3:UNAVAILABLE
  shop.Orders/Get=4:UNAVAILABLE,RESOURCE_EXHAUSTED:50ms..2s
  shop.Orders/Buy=1

All attempts share the deadline of the call. A call is not retried once its response has begun. Set it for calls that \
are safe to repeat. Default: only calls that the upstream has not processed are sent again.";

pub(super) const HINT: &str = "--help describes each flag in full, and has examples.";

pub(super) const EXAMPLES: &str = "\
Examples:
  drawbridge
      Serves the page and the sample services on http://127.0.0.1:8080.
  drawbridge --upstream http://127.0.0.1:50051 \\
      --allow-origin https://app.example
      Lets pages of https://app.example call the gRPC server on port 50051.
  drawbridge --upstream shop=http://10.0.0.5:50051 \\
      --upstream shop=http://10.0.0.6:50051
      Shares the calls of the package shop between two servers.
  drawbridge --upstream http://127.0.0.1:50051 --retry 3:UNAVAILABLE \\
      --max-deadline 30s
      Makes up to three attempts at each call, within 30 seconds.
  drawbridge --tls-self-signed
      Serves HTTPS. Browsers then use HTTP/2, without the limit of six streams.
  drawbridge --listen 0.0.0.0:443 --tls-cert chain.pem --tls-key key.pem \\
      --threads 4
      Serves HTTPS to other machines, on four threads.
  drawbridge --log-format json --log info,drawbridge::call=warn
      Logs JSON, without the two lines of each call.

Call a sample service with curl:
  printf '\\0\\0\\0\\0\\5\\n\\3ada' | base64 \\
    | curl -s -H 'content-type: application/grpc-web-text' -d @- \\
      http://127.0.0.1:8080/greet.Greeter/SayHello | base64 -d";
