use super::*;
use tonic::Code;

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// Returns the deadline of a call that starts at 10 ms with these options and this header.
fn deadline(options: &CallOptions, header: Option<&str>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    if let Some(header) = header {
        headers.insert("grpc-timeout", header.parse().unwrap());
    }
    options.deadline(ms(10), &headers).unwrap().map(|deadline| deadline.at())
}

#[test]
fn the_earliest_limit_applies() {
    let options = CallOptions::new();
    assert_eq!(deadline(&options, None), None);
    assert_eq!(deadline(&options, Some("5m")), Some(ms(15)));
    let options = options.with_timeout(ms(7));
    assert_eq!(deadline(&options, None), Some(ms(17)));
    assert_eq!(deadline(&options, Some("5m")), Some(ms(15)));
    let options = options.with_deadline(Deadline::after(ms(0), ms(12).into()).unwrap());
    assert_eq!(deadline(&options, Some("5m")), Some(ms(12)));
}

#[test]
fn the_longest_timeouts_are_accepted() {
    assert!(deadline(&CallOptions::new().with_timeout(Duration::MAX), None).is_some());
    assert!(deadline(&CallOptions::new(), Some("99999999H")).is_some());
}

#[test]
fn the_error_quotes_a_malformed_timeout() {
    let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), "soon".parse().unwrap())]);
    let status = CallOptions::new().deadline(ms(0), &headers).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("\"soon\""), "{status}");
}

#[test]
fn the_timeout_of_a_call_overrides_the_default() {
    let defaults = CallOptions::new().with_timeout(ms(5));
    assert_eq!(deadline(&CallOptions::new().or(&defaults), None), Some(ms(15)));
    assert_eq!(deadline(&CallOptions::new().with_timeout(ms(9)).or(&defaults), None), Some(ms(19)));
    assert_eq!(deadline(&CallOptions::new().without_timeout().or(&defaults), None), None);
}

#[test]
fn the_retry_policy_of_a_call_overrides_the_default() {
    let policy = |attempts| RetryPolicy::new(attempts, [Code::Unavailable]);
    let attempts = |options: CallOptions| {
        let defaults = CallOptions::new().with_retry(policy(3));
        options.or(&defaults).retry_policy().map(RetryPolicy::max_attempts)
    };
    assert_eq!(attempts(CallOptions::new()), Some(3));
    assert_eq!(attempts(CallOptions::new().with_retry(policy(5))), Some(5));
    assert_eq!(attempts(CallOptions::new().with_retry(policy(1))), None);
    assert_eq!(attempts(CallOptions::new().without_retry()), None);
}

#[test]
fn handles_of_the_call_and_of_the_defaults_both_cancel() {
    let defaults = CallOptions::new().with_cancel(&CancelHandle::new());
    assert_eq!(CallOptions::new().with_cancel(&CancelHandle::new()).or(&defaults).cancel_handles().len(), 2);
}

#[test]
fn metadata_of_the_call_replaces_the_default_key_by_key() {
    let metadata = |pairs: &[(&'static str, &'static str)]| {
        let mut metadata = MetadataMap::new();
        for (key, value) in pairs {
            metadata.append(*key, value.parse().unwrap());
        }
        metadata
    };
    let defaults =
        CallOptions::new().with_metadata(metadata(&[("a", "1"), ("a", "2"), ("b", "3"), ("c", "4")]));
    let options = CallOptions::new().with_metadata(metadata(&[("b", "5"), ("b", "6")])).or(&defaults);
    let mut headers = HeaderMap::from_iter([("c".parse().unwrap(), "7".parse().unwrap())]);
    options.add_metadata(&mut headers);
    let all = |name: &str| headers.get_all(name).iter().cloned().collect::<Vec<_>>();
    assert_eq!(all("a"), ["1", "2"]);
    assert_eq!(all("b"), ["5", "6"]);
    assert_eq!(all("c"), ["7"]);
}
