use drawbridge_core::EndReason;
use tonic::Code;

use super::*;

#[test]
fn the_last_of_a_hundred_thousand_ended_calls_are_kept() {
    let calls = Calls::new(usize::MAX);
    let _watching = calls.watch();
    let first = CallContext::of(&calls, "/a.B/First");
    let open = CallContext::of(&calls, "/a.B/Open");
    first.end(EndReason::ClientGone);
    for _ in 0..50_000 {
        CallContext::of(&calls, "/a.B/C").end(EndReason::Completed(Code::NotFound));
        CallContext::of(&calls, "/a.B/C").end(EndReason::Completed(Code::Ok));
    }
    let changes = calls.changes(1);
    assert_eq!((changes.open.len(), changes.ended.len()), (1, 1_100));
    assert_eq!((changes.skipped, changes.upto), (98_900, 100_001));
    assert!(calls.find(first.call_id()).is_none() && calls.find(open.call_id()).is_some());
    assert!(calls.changes(changes.upto).ended.is_empty());
}

#[test]
fn plain_calls_are_kept_while_a_watcher_is_there() {
    let calls = Calls::new(usize::MAX);
    let end = || {
        CallContext::of(&calls, "/a.B/C").end(EndReason::Completed(Code::Ok));
        calls.changes(0).ended.len()
    };
    assert_eq!(end(), 0);
    let watching = calls.watch();
    assert_eq!(end(), 1);
    drop(watching);
    assert_eq!(end(), 1);
}

#[test]
fn unlisted_calls_are_neither_listed_nor_kept() {
    let calls = Calls::new(usize::MAX);
    let console = CallContext::of(&calls, "/drawbridge.calls.v1.Calls/Watch");
    console.unlist();
    assert_eq!((calls.open(), calls.changes(0).open.len()), (1, 0));
    assert!(calls.find(console.call_id()).is_none());
    console.end(EndReason::ClientGone);
    assert_eq!((calls.open(), calls.changes(0).upto), (0, 0));
}

#[test]
fn a_list_is_freed_with_its_last_handle_and_the_calls_that_it_keeps() {
    let calls = Calls::new(usize::MAX);
    CallContext::of(&calls, "/a.B/C").end(EndReason::ClientGone);
    let weak = Arc::downgrade(calls.list());
    drop(calls);
    assert!(weak.upgrade().is_none());
}
