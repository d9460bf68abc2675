//! A simulated server.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::{future, io};

use bytes::Bytes;
use fastrand::Rng;
use h2::Reason;
use h2::server::SendResponse;
use http::Request;
use tokio::io::{AsyncWriteExt as _, DuplexStream};
use tokio::sync::watch;
use tokio::time::sleep_until;

use super::answer::{Answer, answer};
use super::attempts::arrived;
use super::plan::{Close, Mode, ServerPlan};
use super::world::{World, lock};

/// A simulated server.
pub(super) struct Server {
    pub(super) index: usize,
    pub(super) world: Arc<World>,
    mode: watch::Sender<Mode>,
    rng: Mutex<Rng>,
    calls: AtomicUsize,
    connections: AtomicUsize,
}

/// Counts something until it is dropped.
struct Counted(Arc<Server>, fn(&Server) -> &AtomicUsize);

impl Counted {
    fn new(server: &Arc<Server>, counter: fn(&Server) -> &AtomicUsize) -> Self {
        counter(server).fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(server), counter)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1(&self.0).fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    pub(super) fn new(world: &Arc<World>, index: usize) -> Arc<Self> {
        Arc::new(Self {
            index,
            world: Arc::clone(world),
            mode: watch::Sender::new(Mode::Up),
            rng: Mutex::new(Rng::with_seed(world.plan.seed ^ (index as u64 + 1) << 32)),
            calls: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
        })
    }

    pub(super) fn plan(&self) -> &ServerPlan {
        &self.world.plan.servers[self.index]
    }

    pub(super) fn mode(&self) -> Mode {
        *self.mode.borrow()
    }

    /// Changes what it does, at the times of its plan.
    pub(super) async fn run(self: Arc<Self>) {
        for (at, mode) in &self.plan().modes {
            sleep_until(self.world.at(*at)).await;
            self.set(*mode);
        }
    }

    pub(super) fn set(&self, mode: Mode) {
        self.world.log(format_args!("server {}: {mode:?}", self.index));
        self.world.changed(self.index);
        self.mode.send_replace(mode);
    }

    /// Returns how many calls are open here.
    pub(super) fn open_calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Returns how many connections are open here.
    pub(super) fn open_connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Serves a connection.
    pub(super) fn accept(self: &Arc<Self>, stream: DuplexStream) {
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let _counted = Counted::new(&server, |server| &server.connections);
            match server.mode() {
                Mode::Mute => server.is_mute(stream).await,
                Mode::Foreign => {
                    let mut stream = stream;
                    // It fails if the client has closed the connection.
                    let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                }
                // How it ends is up to the client.
                _ => drop(server.serve(stream).await),
            }
            server.world.changed(server.index);
            server.world.log(format_args!("server {}: a connection ended", server.index));
        });
    }

    /// Says nothing until the client closes the connection.
    async fn is_mute(&self, stream: DuplexStream) {
        let mut stream = stream;
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    }

    async fn serve(self: &Arc<Self>, stream: DuplexStream) -> io::Result<()> {
        let mut mode = self.mode.subscribe();
        let mut builder = h2::server::Builder::new();
        builder.max_concurrent_streams(self.plan().max_streams);
        let handshake = builder.handshake::<_, Bytes>(stream);
        let mut handshake = std::pin::pin!(handshake);
        let mut h2 = loop {
            tokio::select! {
                biased;
                _ = mode.changed() => if self.crashed_or_resumed(&mut mode).await { return Ok(()) },
                // A server that has stopped does not poll it.
                h2 = &mut handshake, if self.mode() != Mode::Stopped => break h2.map_err(io::Error::other)?,
            }
        };
        let mut count = 0;
        loop {
            tokio::select! {
                biased;
                _ = mode.changed() => {
                    if self.crashed_or_resumed(&mut mode).await {
                        return Ok(());
                    }
                    if self.mode() == Mode::Draining {
                        h2.graceful_shutdown();
                    }
                }
                call = h2.accept(), if self.mode() != Mode::Stopped => {
                    let Some(call) = call else { return Ok(()) };
                    let (request, respond) = call.map_err(io::Error::other)?;
                    self.take(request, respond);
                    count += 1;
                    if let Some((most, close)) = self.plan().connection_calls && count == most {
                        self.world.changed(self.index);
                        match close {
                            Close::Graceful => h2.graceful_shutdown(),
                            Close::Abrupt => h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                            Close::Lost => return Ok(()),
                        }
                    }
                }
            }
        }
    }

    /// Waits until it is not stopped. Returns whether it has crashed.
    async fn crashed_or_resumed(&self, mode: &mut watch::Receiver<Mode>) -> bool {
        let resumed = mode.wait_for(|mode| *mode != Mode::Stopped).await;
        let Ok(mode) = resumed.map(|mode| *mode) else { return future::pending().await };
        mode == Mode::Crashed
    }

    fn take(self: &Arc<Self>, request: Request<h2::RecvStream>, respond: SendResponse<Bytes>) {
        let how = Answer::new(&mut lock(&self.rng), self.plan().temper);
        let Some(id) = arrived(&self.world, self.index, request.headers()) else { return };
        let server = Arc::clone(self);
        tokio::spawn(async move {
            let _counted = Counted::new(&server, |server| &server.calls);
            let begun = |answered| id.answered(&server.world, answered, server.mode() == Mode::Stopped);
            if answer(&how, request.into_body(), respond, begun).await {
                server.world.log(format_args!("server {}: {id:?} was reset", server.index));
            }
        });
    }
}
