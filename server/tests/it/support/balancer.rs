//! A TCP balancer, as an operator puts before several bridges.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::soon;

/// The time between two health checks of a backend.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// A backend, and whether its last health check has succeeded.
struct Backend {
    address: SocketAddr,
    is_healthy: AtomicBool,
}

/// Passes connections to healthy backends in turn. Dropping it closes its port and its connections.
pub struct Balancer {
    pub address: SocketAddr,
    backends: Arc<[Backend]>,
    _tasks: JoinSet<()>,
}

impl Balancer {
    /// Starts a balancer, and waits until all backends are healthy.
    pub async fn start(backends: &[SocketAddr]) -> Self {
        let backends: Arc<[Backend]> = backends
            .iter()
            .map(|address| Backend { address: *address, is_healthy: AtomicBool::new(false) })
            .collect();
        let mut tasks = JoinSet::new();
        for index in 0..backends.len() {
            tasks.spawn(check(Arc::clone(&backends), index));
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tasks.spawn(accept(listener, Arc::clone(&backends)));
        let balancer = Self { address, backends, _tasks: tasks };
        for index in 0..balancer.backends.len() {
            balancer.healthy(index).await;
        }
        balancer
    }

    /// Waits until a backend is healthy.
    pub async fn healthy(&self, index: usize) {
        let is_healthy = async {
            while !self.backends[index].is_healthy.load(Ordering::SeqCst) {
                tokio::time::sleep(CHECK_INTERVAL).await;
            }
        };
        soon("a healthy backend", is_healthy).await;
    }
}

/// Checks the health of a backend again and again.
async fn check(backends: Arc<[Backend]>, index: usize) {
    let Backend { address, is_healthy } = &backends[index];
    loop {
        is_healthy.store(is_ready(*address).await, Ordering::SeqCst);
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

async fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let request = b"GET /readyz HTTP/1.1\r\nhost: balancer\r\nconnection: close\r\n\r\n";
    let mut answer = Vec::new();
    stream.write_all(request).await.is_ok()
        && stream.read_to_end(&mut answer).await.is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

async fn accept(listener: TcpListener, backends: Arc<[Backend]>) {
    let next = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (near, _) = accepted.unwrap();
                connections.spawn(pass(near, Arc::clone(&backends), Arc::clone(&next)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Connects to the next healthy backend that accepts, and passes bytes until both sides have ended.
async fn pass(mut near: TcpStream, backends: Arc<[Backend]>, next: Arc<AtomicUsize>) {
    let mut far = loop {
        let backend = &backends[next.fetch_add(1, Ordering::SeqCst) % backends.len()];
        if backend.is_healthy.load(Ordering::SeqCst)
            && let Ok(far) = TcpStream::connect(backend.address).await
        {
            break far;
        }
        tokio::task::yield_now().await;
    };
    for stream in [&near, &far] {
        stream.set_nodelay(true).unwrap();
    }
    // A peer may close its connection at any time.
    let _ = copy_bidirectional(&mut near, &mut far).await;
}
