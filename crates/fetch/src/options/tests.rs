use super::*;
use tonic::Code;

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

/// When the call must have ended that starts at 10 ms with these options and this header.
fn ends(options: &CallOptions, header: Option<&str>) -> Option<Duration> {
    let mut headers = HeaderMap::new();
    if let Some(header) = header {
        headers.insert("grpc-timeout", header.parse().unwrap());
    }
    options.deadline(ms(10), &headers).unwrap().map(|deadline| deadline.at())
}

#[test]
fn the_first_limit_counts() {
    let options = CallOptions::new();
    assert_eq!(ends(&options, None), None);
    assert_eq!(ends(&options, Some("5m")), Some(ms(15)));
    let options = options.with_timeout(ms(7));
    assert_eq!(ends(&options, None), Some(ms(17)));
    assert_eq!(ends(&options, Some("5m")), Some(ms(15)));
    let options = options.with_deadline(Deadline::after(ms(0), ms(12).into()).unwrap());
    assert_eq!(ends(&options, Some("5m")), Some(ms(12)));
}

#[test]
fn no_timeout_is_too_long() {
    assert!(ends(&CallOptions::new().with_timeout(Duration::MAX), None).is_some());
    assert!(ends(&CallOptions::new(), Some("99999999H")).is_some());
}

#[test]
fn a_timeout_that_is_none_is_quoted() {
    let headers = HeaderMap::from_iter([("grpc-timeout".parse().unwrap(), "soon".parse().unwrap())]);
    let status = CallOptions::new().deadline(ms(0), &headers).unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("\"soon\""), "{status}");
}

#[test]
fn a_call_goes_before_the_defaults() {
    let defaults = CallOptions::new().with_timeout(ms(5));
    assert_eq!(ends(&CallOptions::new().or(&defaults), None), Some(ms(15)));
    assert_eq!(ends(&CallOptions::new().with_timeout(ms(9)).or(&defaults), None), Some(ms(19)));
    assert_eq!(ends(&CallOptions::new().without_timeout().or(&defaults), None), None);
}

#[test]
fn a_call_can_have_a_policy_of_its_own_or_none() {
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
fn the_calls_handle_and_that_of_the_defaults_both_count() {
    let defaults = CallOptions::new().with_cancel(&CancelHandle::new());
    assert_eq!(CallOptions::new().with_cancel(&CancelHandle::new()).or(&defaults).cancels().len(), 2);
}

#[test]
fn metadata_of_the_call_replaces_that_of_the_defaults_key_by_key() {
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
