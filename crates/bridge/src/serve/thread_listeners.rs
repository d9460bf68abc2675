//! The listeners of several threads on one address.

use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::connection_info::ConnectionInfo;
use super::listener::{Listener, accept, prepare};
use super::log_throttle::LogThrottle;

/// How many connections may wait to be accepted, for each thread.
const BACKLOG: i32 = 1024;

/// A thread hands a new connection over if it has more connections than the thread with the fewest, by more than this part
/// of them. Few connections are spread evenly then, and many stay where they arrive.
const TOLERANCE: usize = 8;

/// TCP listeners of several threads on one address, for [`serve_on_threads`](crate::serve_on_threads).
///
/// On Unix each thread has a socket of its own (`SO_REUSEPORT`), among which the kernel distributes connections by a hash of
/// their addresses. Elsewhere the first thread accepts all connections. A thread that accepts a connection while another has fewer, by
/// more than an eighth, hands it over to that thread. So a few long-lived HTTP/2 connections are
/// spread evenly too.
///
/// Another process of the same user could listen on the same address with `SO_REUSEPORT`, and get a part of the connections.
/// Unless it exists already, [`ThreadListeners::bind`] cannot know. It fails if any process listens there.
#[derive(Debug)]
pub struct ThreadListeners {
    address: SocketAddr,
    listeners: Vec<ThreadListener>,
}

impl ThreadListeners {
    /// Listens on an address with this many threads. Port 0 chooses a free port. From then on, clients can connect; they wait
    /// until they are served.
    ///
    /// # Errors
    ///
    /// Returns an error if the address is in use, or cannot be listened on.
    pub fn bind(address: SocketAddr, threads: usize) -> io::Result<Self> {
        let is_shared = cfg!(unix) && threads > 1;
        if is_shared && address.port() != 0 {
            // With SO_REUSEPORT a second program on the same address would be no error.
            drop(bind(address, false)?);
        }
        let first = bind(address, is_shared)?;
        let address = first.local_addr()?;
        let mut sockets = vec![Some(first)];
        for _ in 1..threads {
            sockets.push(if is_shared { Some(bind(address, true)?) } else { None });
        }
        let (senders, receivers): (Vec<_>, Vec<_>) =
            sockets.iter().map(|_| mpsc::unbounded_channel()).unzip();
        let threads: Arc<[_]> =
            senders.into_iter().map(|sender| Thread { connections: Arc::default(), sender }).collect();
        let room = Arc::new(Semaphore::new(Semaphore::MAX_PERMITS));
        let listeners = sockets.into_iter().zip(receivers).enumerate();
        let listeners = listeners.map(|(index, (socket, handed_over))| ThreadListener {
            socket,
            accepting: None,
            index,
            threads: Arc::clone(&threads),
            handed_over,
            room: Arc::clone(&room),
            waiting: None,
        });
        Ok(Self { address, listeners: listeners.collect() })
    }

    /// Sets how many connections may be open, on all threads together. Further ones wait until one of them closes: most of them in the
    /// system's queue, and one for each thread, without being read. By default any number may be open.
    #[must_use]
    pub fn with_max_connections(mut self, max: usize) -> Self {
        let room = Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS)));
        for listener in &mut self.listeners {
            listener.room = Arc::clone(&room);
        }
        self
    }

    /// Returns the address that clients connect to, with the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the number of threads.
    pub fn threads(&self) -> usize {
        self.listeners.len()
    }

    pub(super) fn into_listeners(self) -> Vec<ThreadListener> {
        self.listeners
    }
}

fn bind(address: SocketAddr, is_shared: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A program that restarts is not kept out by connections of its predecessor that still close. On Windows the option would let
    // several programs listen.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(is_shared)?;
    #[cfg(not(unix))]
    let _ = is_shared;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// The listener of one thread.
#[derive(Debug)]
pub(super) struct ThreadListener {
    /// The socket of this thread, until it is registered with the thread's runtime.
    socket: Option<StdListener>,
    accepting: Option<TcpListener>,
    index: usize,
    threads: Arc<[Thread]>,
    handed_over: mpsc::UnboundedReceiver<HandedOver>,
    /// How many more connections may be open, on all threads.
    room: Arc<Semaphore>,
    /// A connection that was accepted and waits for room. No other is accepted meanwhile.
    waiting: Option<(TcpStream, SocketAddr)>,
}

/// The log lines of the limit of connections.
static NO_ROOM: LogThrottle = LogThrottle::new();

/// One thread, as the others see it.
#[derive(Debug)]
struct Thread {
    /// How many connections it has.
    connections: Arc<AtomicUsize>,
    sender: mpsc::UnboundedSender<HandedOver>,
}

/// A connection on its way to another thread.
type HandedOver = (StdStream, SocketAddr, Counted);

/// A connection in the counts of its thread and of all threads, until it is dropped.
#[derive(Debug)]
struct Counted {
    connections: Arc<AtomicUsize>,
    _room: OwnedSemaphorePermit,
}

impl Counted {
    fn new(connections: &Arc<AtomicUsize>, room: OwnedSemaphorePermit) -> Self {
        connections.fetch_add(1, Ordering::Relaxed);
        Self { connections: Arc::clone(connections), _room: room }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

impl ThreadListener {
    /// Registers the socket with the current runtime.
    ///
    /// # Errors
    ///
    /// Returns an error if the system has no room for it.
    pub(super) fn register(&mut self) -> io::Result<()> {
        self.accepting = self.socket.take().map(TcpListener::from_std).transpose()?;
        Ok(())
    }

    /// Returns the thread that a new connection goes to.
    fn choose(&self) -> usize {
        let count = |index: usize| self.threads[index].connections.load(Ordering::Relaxed);
        let others = (0..self.threads.len()).filter(|index| *index != self.index);
        let Some(fewest) = others.min_by_key(|index| count(*index)) else { return self.index };
        if is_much_larger(count(self.index), count(fewest)) { fewest } else { self.index }
    }

    /// Counts a new connection, and hands it over if another thread has much fewer. Returns it otherwise.
    fn assign(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        room: OwnedSemaphorePermit,
    ) -> Option<(ThreadStream, ConnectionInfo)> {
        let chosen = self.choose();
        let counted = Counted::new(&self.threads[chosen].connections, room);
        if chosen == self.index {
            return Some(with_info(stream, peer, counted));
        }
        match stream.into_std() {
            Ok(stream) => {
                // If that thread is gone, the server has stopped, and the connection closes.
                drop(self.threads[chosen].sender.send((stream, peer, counted)));
            }
            Err(error) => tracing::warn!(%error, "cannot hand a connection over to another thread"),
        }
        None
    }
}

/// Tells whether one count is larger than another by more than the tolerance.
fn is_much_larger(count: usize, other: usize) -> bool {
    count > other + other / TOLERANCE
}

fn with_info(stream: TcpStream, peer: SocketAddr, counted: Counted) -> (ThreadStream, ConnectionInfo) {
    prepare(&stream);
    (ThreadStream { _counted: counted, stream }, ConnectionInfo::new().with_peer(peer))
}

impl Listener for ThreadListener {
    type Stream = ThreadStream;

    async fn next_connection(&mut self) -> (ThreadStream, ConnectionInfo) {
        loop {
            let Self { accepting, handed_over, room, waiting, .. } = self;
            let room_for_next = async {
                if waiting.is_none() {
                    let Some(listener) = accepting else { return pending().await };
                    *waiting = Some(accept(listener).await);
                }
                if room.available_permits() == 0
                    && let Some(suppressed) = NO_ROOM.pass(Instant::now())
                {
                    tracing::warn!(suppressed, "as many connections are open as may be; further ones wait");
                }
                Arc::clone(room).acquire_owned().await
            };
            tokio::select! {
                room = room_for_next => {
                    // The semaphore is never closed.
                    if let (Ok(room), Some((stream, peer))) = (room, self.waiting.take())
                        && let Some(connection) = self.assign(stream, peer, room)
                    {
                        return connection;
                    }
                }
                Some((stream, peer, counted)) = handed_over.recv() => match TcpStream::from_std(stream) {
                    Ok(stream) => return with_info(stream, peer, counted),
                    Err(error) => tracing::warn!(%error, "cannot take over a connection from another thread"),
                },
            }
        }
    }
}

/// A connection, which counts for its thread until it is dropped.
#[derive(Debug)]
pub(super) struct ThreadStream {
    // Dropped first: a client that sees the connection close has left the count.
    _counted: Counted,
    stream: TcpStream,
}

impl AsyncRead for ThreadStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ThreadStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_connections_are_spread_and_many_stay() {
        for (count, other) in [(1, 0), (2, 1), (8, 7), (10, 8), (901, 800)] {
            assert!(is_much_larger(count, other), "{count} {other}");
        }
        for (count, other) in [(0, 0), (1, 1), (9, 8), (900, 800), (0, 5)] {
            assert!(!is_much_larger(count, other), "{count} {other}");
        }
    }
}
