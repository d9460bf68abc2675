use std::sync::Mutex;

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
    let changes = calls.changes(&LastEnds(vec![1]));
    assert_eq!((changes.open.len(), changes.ended.len()), (1, 1_100));
    assert_eq!((changes.skipped, &changes.upto), (98_900, &LastEnds(vec![100_001])));
    assert!(calls.find(first.call_id()).is_none() && calls.find(open.call_id()).is_some());
    assert!(calls.changes(&changes.upto).ended.is_empty());
}

#[test]
fn plain_calls_are_kept_while_a_watcher_is_there() {
    let calls = Calls::new(usize::MAX);
    let end = || {
        CallContext::of(&calls, "/a.B/C").end(EndReason::Completed(Code::Ok));
        calls.changes(&LastEnds::default()).ended.len()
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
    assert_eq!((calls.open(), calls.changes(&LastEnds::default()).open.len()), (1, 0));
    assert!(calls.find(console.call_id()).is_none());
    console.end(EndReason::ClientGone);
    assert_eq!((calls.open(), calls.changes(&LastEnds::default()).upto), (0, LastEnds(vec![0])));
}

#[test]
fn a_list_is_freed_with_its_last_handle_and_the_calls_that_it_keeps() {
    let calls = Calls::new(usize::MAX);
    CallContext::of(&calls, "/a.B/C").end(EndReason::ClientGone);
    let weak = Arc::downgrade(calls.shard());
    drop(calls);
    assert!(weak.upgrade().is_none());
}

/// Opens a call in this shard, if the list admits it.
fn admitted(shard: &Calls) -> Result<CallContext, Status> {
    CallContext::admitted(shard, "/a.B/C")
}

#[test]
fn the_limit_of_open_calls_is_exact_over_all_shards() {
    let calls = Calls::new(100);
    let shards: Vec<_> = (0..3).map(|_| calls.new_shard()).collect();
    let mut open: Vec<_> = shards.iter().cycle().map_while(|shard| admitted(shard).ok()).collect();
    assert_eq!((open.len(), calls.open()), (100, 100));
    // A permit that one shard has in stock is of use to any other.
    for (ended, shard) in open.drain(..).zip(shards.iter().rev().cycle()).collect::<Vec<_>>() {
        ended.end(EndReason::ClientGone);
        open.push(admitted(shard).unwrap());
        let refused = admitted(&calls).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        assert!(refused.message().starts_with("100 calls are open"), "{refused}");
    }
    assert_eq!(calls.open(), 100);
}

#[test]
fn permits_return_from_a_shard_that_is_quiet() {
    let calls = Calls::new(1_000);
    let (busy, quiet) = (calls.new_shard(), calls.new_shard());
    for shard in [&busy, &quiet, &busy] {
        let open: Vec<_> = (0..1_000).map(|_| admitted(shard).unwrap()).collect();
        for call in open {
            call.end(EndReason::ClientGone);
        }
    }
    calls.set_max_open(1);
    let _open = admitted(&quiet).unwrap();
    assert!(admitted(&busy).is_err());
}

#[test]
fn all_shards_are_one_list() {
    let calls = Calls::new(usize::MAX);
    let early = calls.new_shard();
    let ends = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&ends);
    calls.on_end(move |_| *counted.lock().unwrap() += 1);
    calls.set_logging(false);
    let _watching = early.watch();
    let late = calls.new_shard();
    let open: Vec<_> = [&calls, &early, &late].map(|shard| CallContext::of(shard, "/a.B/C")).into();
    assert_eq!((late.open(), late.changes(&LastEnds::default()).open.len()), (3, 3));
    assert!(open.iter().all(|call| calls.find(call.call_id()).is_some()));
    open[2].end(EndReason::Completed(Code::Ok));
    let changes = calls.changes(&LastEnds::default());
    assert_eq!((changes.ended.len(), changes.skipped), (1, 0));
    assert!(early.changes(&changes.upto).ended.is_empty());
    early.abort_all();
    assert_eq!((calls.open(), *ends.lock().unwrap()), (0, 3));
    assert_eq!(admitted(&late).unwrap_err().code(), Code::Unavailable);
}
