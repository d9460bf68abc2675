//! Serves on several threads, each with a runtime of its own.

use std::convert::Infallible;
use std::io;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tower::{BoxError, Service};

use super::connections::serve_until;
use super::options::ConnectionOptions;
use super::shutdown::Shutdown;
use super::thread_listeners::{ThreadListener, ThreadListeners};
use crate::call::Calls;

/// Serves each of `services` on a thread of its own, with a current-thread runtime: one for each thread of `listeners`. A call stays on
/// the thread of its connection. All else is as with [`serve`](crate::serve): TLS, shutdown, and the extensions of requests.
///
/// [`Bridge::into_services`](crate::Bridge::into_services) makes services that share nothing. For axum routers, put each into
/// a router of its own: what clones of one router share, all threads write to.
///
/// The future resolves once all threads have closed their connections. Dropping it closes them at once.
///
/// # Errors
///
/// Returns an error if a thread or its runtime cannot be started. Nothing was served then.
///
/// # Panics
///
/// Panics if there are not as many services as threads.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use drawbridge::{Bridge, ConnectionOptions, ThreadListeners, Upstream, serve_on_threads};
///
/// let threads = std::thread::available_parallelism()?.get();
/// let listeners = ThreadListeners::bind("127.0.0.1:8080".parse()?, threads)?;
/// let mut bridge = Bridge::new().upstream(Upstream::new("http://127.0.0.1:50051")?);
/// let calls = bridge.calls();
/// let services = bridge.into_services(threads);
/// serve_on_threads(listeners, services, calls, ConnectionOptions::new(), std::future::pending()).await?;
/// # Ok(())
/// # }
/// ```
pub async fn serve_on_threads<S, B>(
    listeners: ThreadListeners,
    services: Vec<S>,
    calls: impl Into<Option<Calls>>,
    options: ConnectionOptions,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    assert_eq!(listeners.threads(), services.len(), "one service for each thread");
    // Runtimes and listeners first, so that nothing is served if any of them fails.
    let workers = listeners.into_listeners().into_iter().map(Worker::new).collect::<io::Result<Vec<_>>>()?;
    let (stop, stopped) = watch::channel(None);
    // Each thread holds a sender until it has finished.
    let (running, mut finished) = mpsc::channel::<Infallible>(1);
    for (index, (worker, service)) in workers.into_iter().zip(services).enumerate() {
        let (stopped, options, running) = (stopped.clone(), options.clone(), running.clone());
        thread::Builder::new().name(format!("drawbridge-{index}")).spawn(move || {
            worker.run(service, options, stopped);
            drop(running);
        })?;
    }
    drop(running);
    let calls = calls.into();
    let how = Shutdown::begin(shutdown, calls.as_ref()).await;
    stop.send_replace(Some(how));
    let until_abort = match how {
        Shutdown::Drain => options.drain_delay + options.grace,
        Shutdown::Now => Duration::ZERO,
    };
    let all_finished = timeout(until_abort, finished.recv()).await.is_ok();
    if let Some(calls) = calls {
        calls.abort_all();
    }
    if !all_finished {
        finished.recv().await;
    }
    Ok(())
}

/// What a thread runs.
struct Worker {
    runtime: Runtime,
    listener: ThreadListener,
}

impl Worker {
    fn new(mut listener: ThreadListener) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        {
            let _entered = runtime.enter();
            listener.register()?;
        }
        Ok(Self { runtime, listener })
    }

    /// Serves until it is stopped, and its connections are closed. If `stopped` loses its sender, it ends at once.
    fn run<S, B>(self, service: S, options: ConnectionOptions, mut stopped: watch::Receiver<Option<Shutdown>>)
    where
        S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
        B: HttpBody<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut abandoned = stopped.clone();
        let shutdown = async move {
            let how = stopped.wait_for(Option::is_some).await.ok().and_then(|how| *how);
            // Without a sender, more ends than this.
            how.unwrap_or(Shutdown::Now)
        };
        let served = serve_until(self.listener, service, None, options, shutdown);
        self.runtime.block_on(async {
            tokio::select! {
                // A lost sender has to win over the shutdown that it looks like.
                biased;
                () = async { while abandoned.changed().await.is_ok() {} } => {}
                () = served => {}
            }
        });
        // Blocking work that goes on does not keep the thread.
        self.runtime.shutdown_background();
    }
}
