//! Which forwarded calls are retried, and by which policy.

use std::cmp::Reverse;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_core::{RetryPolicy, code_name};
use tonic::Code;

use super::service_pattern::is_within;
use drawbridge_core::duration;
use drawbridge_core::path::is_name;

/// A retry policy for forwarded calls: for all of them, for those of a service or package, or for those of one method. If several
/// rules match a call, the longest name wins; of rules with the same name, the last one.
///
/// Without a rule, a call is sent again only if the upstream has not processed it (a transparent retry of
/// [gRFC A6](https://github.com/grpc/proposal/blob/master/A6-client-retries.md)).
///
/// ```
/// use drawbridge::{Bridge, RetryPolicy, RetryRule, Upstream};
/// use tonic::Code;
///
/// let router = Bridge::new()
///     .upstream("http://127.0.0.1:50051".parse::<Upstream>()?)
///     .retry(RetryRule::new(RetryPolicy::new(3, [Code::Unavailable])))
///     .retry("shop.Orders/Buy=1".parse()?)
///     .into_router();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct RetryRule {
    /// A service, a package, or a method as in `shop.Orders/Get`. Empty: all calls.
    name: String,
    policy: Arc<RetryPolicy>,
}

/// The text is not a [`RetryRule`].
///
/// ```
/// use drawbridge::{ParseRetryRuleError, RetryRule};
///
/// let error = "9:UNAVAILABLE".parse::<RetryRule>().unwrap_err();
/// assert_eq!(error, ParseRetryRuleError::Attempts("9".to_owned()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRetryRuleError {
    /// The text does not have the form of a rule.
    #[error(
        "{0:?} is not a retry rule: expected attempts and codes such as 3:UNAVAILABLE, after the name of a service or method if the rule is not for all calls, such as shop.Orders/Get=3:UNAVAILABLE"
    )]
    Form(String),
    /// The name is not that of a service, package or method.
    #[error(
        "{0:?} is not the name of a service, package or method: expected one such as shop.Orders, shop or shop.Orders/Get"
    )]
    Name(String),
    /// The number of attempts is not 1 to 5.
    #[error(
        "{0:?} is not a number of attempts: expected 2 to 5, the first one included, or 1 for no retries"
    )]
    Attempts(String),
    /// A code is not one of a failed call.
    #[error("{0:?} is not the code of a failed call: expected one such as UNAVAILABLE or RESOURCE_EXHAUSTED")]
    Code(String),
    /// The backoff is not valid.
    #[error("{0:?} is not a backoff: expected the first one and the longest one, such as 50ms..2s")]
    Backoff(String),
}

impl RetryRule {
    /// Creates a rule for all forwarded calls.
    pub fn new(policy: RetryPolicy) -> Self {
        Self { name: String::new(), policy: Arc::new(policy) }
    }

    /// Limits the rule to the calls of a service, of a package and the packages below it, or of a method, as in
    /// `shop.Orders/Get`.
    ///
    /// # Errors
    ///
    /// Returns an error if the name is not a valid name of a service, package or method.
    pub fn for_calls(mut self, name: &str) -> Result<Self, ParseRetryRuleError> {
        let (service, method) = name.split_once('/').map_or((name, None), |(a, b)| (a, Some(b)));
        if !is_name(service) || method.is_some_and(|method| !is_name(method)) {
            return Err(ParseRetryRuleError::Name(name.to_owned()));
        }
        name.clone_into(&mut self.name);
        Ok(self)
    }

    /// Returns whether the rule applies to a method of a service. `method` includes the service, as in `shop.Orders/Get`.
    fn matches(&self, service: &str, method: &str) -> bool {
        self.name.is_empty()
            || if self.name.contains('/') { self.name == method } else { is_within(service, &self.name) }
    }
}

impl FromStr for RetryRule {
    type Err = ParseRetryRuleError;

    /// Parses `[NAME=]ATTEMPTS:CODE[,CODE…][:FIRST..LONGEST]`, as in `shop.Orders/Get=4:UNAVAILABLE:50ms..2s`, or `[NAME=]1` for
    /// no retries. `FIRST` and `LONGEST` are the first and the longest backoff.
    fn from_str(text: &str) -> Result<Self, ParseRetryRuleError> {
        let (name, policy) = text.split_once('=').map_or((None, text), |(a, b)| (Some(a), b));
        let mut parts = policy.split(':');
        let attempts = parts.next().unwrap_or_default();
        let Ok(attempts @ 1..=5) = attempts.parse() else {
            return Err(ParseRetryRuleError::Attempts(attempts.to_owned()));
        };
        let codes = match parts.next() {
            Some(codes) => codes.split(',').map(parse_code).collect::<Result<Vec<_>, _>>()?,
            None if attempts == 1 => Vec::new(),
            None => return Err(ParseRetryRuleError::Form(text.to_owned())),
        };
        let mut policy = RetryPolicy::new(attempts, codes);
        if let Some(backoff) = parts.next() {
            let (first, longest) = parse_backoff(backoff)?;
            policy = policy.with_backoff(first, RetryPolicy::MULTIPLIER, longest);
        }
        if parts.next().is_some() {
            return Err(ParseRetryRuleError::Form(text.to_owned()));
        }
        let rule = Self::new(policy);
        match name {
            Some(name) => rule.for_calls(name),
            None => Ok(rule),
        }
    }
}

fn parse_code(text: &str) -> Result<Code, ParseRetryRuleError> {
    (1..=16)
        .map(Code::from_i32)
        .find(|code| code_name(*code).eq_ignore_ascii_case(text))
        .ok_or_else(|| ParseRetryRuleError::Code(text.to_owned()))
}

fn parse_backoff(text: &str) -> Result<(Duration, Duration), ParseRetryRuleError> {
    let parse = |text| duration::parse(text).ok().filter(|backoff| !backoff.is_zero());
    text.split_once("..")
        .and_then(|(first, longest)| Some((parse(first)?, parse(longest)?)))
        .filter(|(first, longest)| first <= longest)
        .ok_or_else(|| ParseRetryRuleError::Backoff(text.to_owned()))
}

/// All rules of a bridge.
#[derive(Clone, Debug, Default)]
pub(crate) struct RetryRules(
    // `None` for most bridges: the rules are cloned for each call.
    Option<Arc<[RetryRule]>>,
);

impl RetryRules {
    /// Orders the rules by precedence.
    pub(crate) fn new(mut rules: Vec<RetryRule>) -> Self {
        rules.reverse();
        rules.sort_by_key(|rule| Reverse(rule.name.len()));
        Self((!rules.is_empty()).then(|| rules.into()))
    }

    /// Returns the policy for the calls of a path, or `None` if they are not retried.
    pub(super) fn find(&self, path: &str) -> Option<Arc<RetryPolicy>> {
        let rules = self.0.as_ref()?;
        let method = path.strip_prefix('/')?;
        let (service, _) = method.split_once('/')?;
        let rule = rules.iter().find(|rule| rule.matches(service, method))?;
        (rule.policy.max_attempts() > 1).then(|| Arc::clone(&rule.policy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> RetryRule {
        text.parse().unwrap()
    }

    #[test]
    fn a_rule_is_parsed_with_an_optional_name_and_backoff() {
        let policy = |attempts, codes: &[Code]| RetryPolicy::new(attempts, codes.iter().copied());
        let all = rule("3:UNAVAILABLE");
        assert_eq!(all, RetryRule::new(policy(3, &[Code::Unavailable])));
        let codes = [Code::Unavailable, Code::ResourceExhausted];
        let method = rule("inventory.Stock/Get=4:UNAVAILABLE,resource_exhausted");
        assert_eq!(method, RetryRule::new(policy(4, &codes)).for_calls("inventory.Stock/Get").unwrap());
        let (first, longest) = (Duration::from_millis(50), Duration::from_secs(2));
        let with_backoff = policy(2, &[Code::Aborted]).with_backoff(first, RetryPolicy::MULTIPLIER, longest);
        assert_eq!(rule("shop=2:ABORTED:50ms..2s"), RetryRule::new(with_backoff).for_calls("shop").unwrap());
        assert_eq!(rule("shop=1").policy.max_attempts(), 1);
    }

    #[test]
    fn an_invalid_rule_is_an_error() {
        for (text, error) in [
            ("", ParseRetryRuleError::Attempts(String::new())),
            ("0:UNAVAILABLE", ParseRetryRuleError::Attempts("0".to_owned())),
            ("6:UNAVAILABLE", ParseRetryRuleError::Attempts("6".to_owned())),
            ("UNAVAILABLE", ParseRetryRuleError::Attempts("UNAVAILABLE".to_owned())),
            ("3", ParseRetryRuleError::Form("3".to_owned())),
            ("3:UNAVAILABLE:1s..2s:x", ParseRetryRuleError::Form("3:UNAVAILABLE:1s..2s:x".to_owned())),
            ("3:", ParseRetryRuleError::Code(String::new())),
            ("3:OK", ParseRetryRuleError::Code("OK".to_owned())),
            ("3:UNAVAILABLE,", ParseRetryRuleError::Code(String::new())),
            ("3:14", ParseRetryRuleError::Code("14".to_owned())),
            ("3:UNAVAILABLE:", ParseRetryRuleError::Backoff(String::new())),
            ("3:UNAVAILABLE:1s", ParseRetryRuleError::Backoff("1s".to_owned())),
            ("3:UNAVAILABLE:0ms..1s", ParseRetryRuleError::Backoff("0ms..1s".to_owned())),
            ("3:UNAVAILABLE:2s..1s", ParseRetryRuleError::Backoff("2s..1s".to_owned())),
            ("=3:UNAVAILABLE", ParseRetryRuleError::Name(String::new())),
            ("a b=3:UNAVAILABLE", ParseRetryRuleError::Name("a b".to_owned())),
            ("a.B/=3:UNAVAILABLE", ParseRetryRuleError::Name("a.B/".to_owned())),
            ("/a.B/C=3:UNAVAILABLE", ParseRetryRuleError::Name("/a.B/C".to_owned())),
            ("a.B/C/D=3:UNAVAILABLE", ParseRetryRuleError::Name("a.B/C/D".to_owned())),
        ] {
            assert_eq!(text.parse::<RetryRule>(), Err(error), "{text}");
        }
    }

    #[test]
    fn the_longest_name_wins_and_then_the_last_rule() {
        let attempts = |rules: &[&str], path| {
            let policy = RetryRules::new(rules.iter().map(|text| rule(text)).collect()).find(path);
            policy.map_or(1, |policy| policy.max_attempts())
        };
        let rules = ["2:ABORTED", "a.B/C=5:ABORTED", "a=3:ABORTED", "a.B=4:ABORTED", "a.B/Off=1"];
        for (path, expected) in
            [("/a.B/C", 5), ("/a.B/Off", 1), ("/a.B/Cd", 4), ("/a.B.D/C", 4), ("/a.Bc/C", 3), ("/ab.B/C", 2)]
        {
            assert_eq!(attempts(&rules, path), expected, "{path}");
        }
        assert_eq!(attempts(&rules[1..], "/b.B/C"), 1, "no retries without a rule");
        assert_eq!(attempts(&["a=3:ABORTED", "a=4:ABORTED"], "/a.B/C"), 4);
    }

    #[test]
    fn fuzz_a_rule_is_what_its_text_says() {
        let check = bolero::check!().with_type::<(u8, Vec<u8>, Option<(u16, u16)>, u8)>();
        check.with_iterations(20_000).for_each(|(attempts, codes, backoff, name)| {
            let attempts = u32::from(attempts % 7);
            let codes: Vec<_> = codes.iter().map(|code| Code::from_i32(i32::from(code % 17))).collect();
            let names: Vec<_> = codes.iter().map(|code| code_name(*code)).collect();
            let mut text = format!("{attempts}:{}", names.join(","));
            let mut policy = RetryPolicy::new(attempts.clamp(1, 5), codes.iter().copied());
            if let Some((first, longest)) = backoff {
                text = format!("{text}:{first}ms..{longest}s");
                let [first, longest] =
                    [Duration::from_millis((*first).into()), Duration::from_secs((*longest).into())];
                policy = policy.with_backoff(first, RetryPolicy::MULTIPLIER, longest);
            }
            let mut expected = RetryRule::new(policy);
            if let Some(name) = ["a.B", "a", "a.B/C"].get(usize::from(*name % 4)) {
                text = format!("{name}={text}");
                expected = expected.for_calls(name).unwrap();
            }
            let is_valid = (1..=5).contains(&attempts)
                && !codes.is_empty()
                && !codes.contains(&Code::Ok)
                && backoff.is_none_or(|(first, longest)| {
                    first > 0 && longest > 0 && u32::from(first) <= u32::from(longest) * 1000
                });
            assert_eq!(text.parse().ok(), is_valid.then_some(expected), "{text}");
        });
    }

    #[test]
    fn fuzz_any_text_is_a_rule_or_an_error_that_quotes_a_part_of_it() {
        let check = bolero::check!().with_type::<Vec<(u8, char)>>();
        check.with_iterations(20_000).for_each(|parts| {
            const PARTS: [&str; 9] = ["3", "1", ":", ",", "=", "/", "UNAVAILABLE", "1s..2s", "a.B"];
            let text: String = parts
                .iter()
                .map(|(part, other)| {
                    PARTS.get(usize::from(part % 10)).map_or(other.to_string(), ToString::to_string)
                })
                .collect();
            let Err(error) = text.parse::<RetryRule>() else { return };
            let (ParseRetryRuleError::Form(quoted)
            | ParseRetryRuleError::Name(quoted)
            | ParseRetryRuleError::Attempts(quoted)
            | ParseRetryRuleError::Code(quoted)
            | ParseRetryRuleError::Backoff(quoted)) = error;
            assert!(text.contains(&quoted), "{quoted:?} of {text:?}");
        });
    }
}
