//! What signals do.

use anyhow::anyhow;
use drawbridge::{ConsoleToken, Tls};
use drawbridge_gateway::Lifecycle;

/// The exit code of a process that a signal has ended: 128 and the number of the signal.
const EXIT_INTERRUPTED: i32 = 128 + 2;
#[cfg(unix)]
const EXIT_TERMINATED: i32 = 128 + 15;

/// The signals that end the program, and SIGHUP, which reads its certificate and its token again.
///
/// From the moment that this exists, no signal ends the process by itself.
pub(crate) struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
    #[cfg(windows)]
    interrupt: tokio::signal::windows::CtrlC,
}

enum Received {
    Interrupt,
    #[cfg(unix)]
    Terminate,
    #[cfg(unix)]
    Hangup,
}

impl Signals {
    /// Handles signals from now on.
    ///
    /// # Errors
    ///
    /// Returns an error if the system does not allow it.
    pub(crate) fn new() -> anyhow::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let handle = |kind, name| signal(kind).map_err(|error| anyhow!("cannot handle {name}: {error}"));
            Ok(Self {
                interrupt: handle(SignalKind::interrupt(), "Ctrl-C")?,
                terminate: handle(SignalKind::terminate(), "SIGTERM")?,
                hangup: handle(SignalKind::hangup(), "SIGHUP")?,
            })
        }
        #[cfg(windows)]
        {
            let interrupt = tokio::signal::windows::ctrl_c();
            Ok(Self { interrupt: interrupt.map_err(|error| anyhow!("cannot handle Ctrl-C: {error}"))? })
        }
    }

    /// Waits for the signal that ends the program, and begins its end: SIGTERM drains, Ctrl-C ends all calls. Another one of
    /// either then ends the process at once. SIGHUP reads files again before and does nothing after.
    pub(crate) async fn shutdown(
        mut self,
        lifecycle: Lifecycle,
        tls: Option<Tls>,
        token: Option<ConsoleToken>,
    ) {
        loop {
            match self.next().await {
                Received::Interrupt => {
                    tracing::info!(
                        "shutting down: all calls end with UNAVAILABLE; press Ctrl-C again to exit at once"
                    );
                    lifecycle.drain().await;
                    lifecycle.abort();
                    break;
                }
                #[cfg(unix)]
                Received::Terminate => {
                    tracing::info!("shutting down: open calls may go on for --drain");
                    lifecycle.drain().await;
                    break;
                }
                #[cfg(unix)]
                Received::Hangup => reload(tls.as_ref(), token.as_ref()),
            }
        }
        tokio::spawn(async move {
            loop {
                match self.next().await {
                    Received::Interrupt => std::process::exit(EXIT_INTERRUPTED),
                    #[cfg(unix)]
                    Received::Terminate => std::process::exit(EXIT_TERMINATED),
                    #[cfg(unix)]
                    Received::Hangup => {}
                }
            }
        });
    }

    #[cfg(unix)]
    async fn next(&mut self) -> Received {
        tokio::select! {
            _ = self.interrupt.recv() => Received::Interrupt,
            _ = self.terminate.recv() => Received::Terminate,
            _ = self.hangup.recv() => Received::Hangup,
        }
    }

    #[cfg(windows)]
    async fn next(&mut self) -> Received {
        self.interrupt.recv().await;
        Received::Interrupt
    }
}

#[cfg(unix)]
fn reload(tls: Option<&Tls>, token: Option<&ConsoleToken>) {
    let certificate = tls.map(Tls::reload);
    let console = token.map(ConsoleToken::reload);
    if !matches!(certificate, Some(Ok(true) | Err(_))) && console.is_none() {
        tracing::info!("SIGHUP: nothing to read again, there is no --tls-cert and no --console-token-file");
    }
    match certificate {
        Some(Ok(true)) => tracing::info!("SIGHUP: read the certificate again"),
        Some(Err(error)) => {
            tracing::warn!(%error, "SIGHUP: the new certificate cannot be used, the old one stays");
        }
        Some(Ok(false)) | None => {}
    }
    match console {
        Some(Ok(_)) => {
            let token = token.map(ConsoleToken::fingerprint);
            tracing::info!(token, "SIGHUP: read the console's token again");
        }
        Some(Err(error)) => {
            tracing::warn!(%error, "SIGHUP: the console's new token cannot be used, the old one stays");
        }
        None => {}
    }
}
