//! The obvious bridge: tonic-web's layer around a `Channel`, in axum, with the settings that they come with.

#![allow(clippy::unwrap_used)]

use std::convert::Infallible;

use axum::Router;
use axum::serve::ListenerExt as _;
use mimalloc::MiMalloc;
use tokio::net::TcpListener;
use tonic::transport::Endpoint;
use tonic_web::GrpcWebLayer;
use tower::Layer as _;
use tower::util::MapErr;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    let upstream = std::env::args().nth(1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(serve(&upstream));
}

async fn serve(upstream: &str) {
    let channel = Endpoint::from_shared(format!("http://{upstream}")).unwrap().connect_lazy();
    let forward = GrpcWebLayer::new().layer(channel);
    let forward = MapErr::new(forward, |error| -> Infallible { panic!("{error}") });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, Router::new().fallback_service(forward)).await.unwrap();
}
