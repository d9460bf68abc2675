//! Calls over several threads are the calls of one bridge.

use drawbridge::{Bridge, ThreadListeners};
use drawbridge_example_library::greeter::MyGreeter;
use drawbridge_example_library::own_threads::with_threads;
use drawbridge_proto::greet::greeter_server::GreeterServer;
use tokio::sync::oneshot;

use crate::support::{bob, greeter};

#[tokio::test]
async fn each_thread_answers_and_all_stop_together() {
    let listeners = ThreadListeners::bind("127.0.0.1:0".parse().unwrap(), 3).unwrap();
    let address = listeners.local_addr();
    let mut bridge =
        Bridge::new().add_service(GreeterServer::new(MyGreeter::default())).fallback_unimplemented();
    let calls = bridge.calls();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(with_threads(listeners, bridge, async move { stopped.await.unwrap() }));
    let mut clients: Vec<_> = (0..3).map(|_| greeter(address)).collect();
    let mut streams = Vec::new();
    for client in &mut clients {
        streams.push(client.say_hellos(bob()).await.unwrap().into_inner());
    }
    assert_eq!(calls.open(), 3);
    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
    assert_eq!(calls.open(), 0);
}
