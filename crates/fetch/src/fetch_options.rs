//! Options of `fetch` that a page can set for its calls.

/// Whether the browser sends cookies, HTTP authentication and TLS client certificates, and stores cookies of the
/// response.
///
/// The browser's default is [`Credentials::SameOrigin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Credentials {
    /// Never.
    Omit,
    /// Only to the origin of the page.
    SameOrigin,
    /// Also to other origins. The server must then respond with `Access-Control-Allow-Credentials: true`, and name the
    /// page's origin in `Access-Control-Allow-Origin`: `*` is refused.
    Include,
}

/// How the browser's HTTP cache is used.
///
/// The browser's default is [`CacheMode::Default`]. Calls are `POST` requests, whose responses browsers rarely cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheMode {
    /// By the rules of HTTP caching.
    Default,
    /// The cache is neither read nor written.
    NoStore,
    /// The cache is written and not read.
    Reload,
    /// A cached response is used only after the server has confirmed it.
    NoCache,
    /// A cached response is used even if it is stale.
    ForceCache,
}

/// Which origins may be called.
///
/// The browser's default is [`RequestMode::Cors`]. `no-cors` is missing because its responses cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestMode {
    /// All origins that allow the page's origin by CORS.
    Cors,
    /// Only the origin of the page. A call to another origin fails before it is sent.
    SameOrigin,
}

/// What the browser does with an HTTP redirect.
///
/// The browser's default is [`RedirectMode::Follow`]. `manual` is missing because its responses cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RedirectMode {
    /// Follows it. A 307 or 308 repeats the call at the new address. A 301, 302 or 303 becomes a `GET` without a body,
    /// which no gRPC server accepts.
    Follow,
    /// Fails the call.
    Error,
}

/// How much of the page's address is sent in `Referer`.
///
/// The default is the policy of the page, which is [`ReferrerPolicy::StrictOriginWhenCrossOrigin`] unless it sets
/// another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReferrerPolicy {
    /// Nothing.
    NoReferrer,
    /// The address, but nothing from HTTPS to HTTP.
    NoReferrerWhenDowngrade,
    /// The origin.
    Origin,
    /// The address to the same origin, the origin to others.
    OriginWhenCrossOrigin,
    /// The address to the same origin, nothing to others.
    SameOrigin,
    /// The origin, but nothing from HTTPS to HTTP.
    StrictOrigin,
    /// The address to the same origin, the origin to others, but nothing from HTTPS to HTTP.
    StrictOriginWhenCrossOrigin,
    /// The address, to all origins and also from HTTPS to HTTP.
    UnsafeUrl,
}

/// The members of `RequestInit` that [`FetchOptions`] holds.
const MEMBERS: [&str; 6] = ["credentials", "cache", "mode", "redirect", "referrerPolicy", "keepalive"];

/// The options of one call. What is not set is left to the browser.
///
/// It holds the values as JavaScript takes them, so that a page contains only those that it uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FetchOptions {
    /// The values of [`MEMBERS`].
    values: [Option<&'static str>; MEMBERS.len()],
}

impl FetchOptions {
    pub(crate) fn set_credentials(&mut self, credentials: Credentials) {
        self.values[0] = Some(match credentials {
            Credentials::Omit => "omit",
            Credentials::SameOrigin => "same-origin",
            Credentials::Include => "include",
        });
    }

    pub(crate) fn set_cache(&mut self, cache: CacheMode) {
        self.values[1] = Some(match cache {
            CacheMode::Default => "default",
            CacheMode::NoStore => "no-store",
            CacheMode::Reload => "reload",
            CacheMode::NoCache => "no-cache",
            CacheMode::ForceCache => "force-cache",
        });
    }

    pub(crate) fn set_mode(&mut self, mode: RequestMode) {
        self.values[2] = Some(match mode {
            RequestMode::Cors => "cors",
            RequestMode::SameOrigin => "same-origin",
        });
    }

    pub(crate) fn set_redirect(&mut self, redirect: RedirectMode) {
        self.values[3] = Some(match redirect {
            RedirectMode::Follow => "follow",
            RedirectMode::Error => "error",
        });
    }

    pub(crate) fn set_referrer_policy(&mut self, policy: ReferrerPolicy) {
        self.values[4] = Some(match policy {
            ReferrerPolicy::NoReferrer => "no-referrer",
            ReferrerPolicy::NoReferrerWhenDowngrade => "no-referrer-when-downgrade",
            ReferrerPolicy::Origin => "origin",
            ReferrerPolicy::OriginWhenCrossOrigin => "origin-when-cross-origin",
            ReferrerPolicy::SameOrigin => "same-origin",
            ReferrerPolicy::StrictOrigin => "strict-origin",
            ReferrerPolicy::StrictOriginWhenCrossOrigin => "strict-origin-when-cross-origin",
            ReferrerPolicy::UnsafeUrl => "unsafe-url",
        });
    }

    pub(crate) fn set_keepalive(&mut self, keepalive: bool) {
        // The member is a boolean: JavaScript converts a text to true unless it is empty.
        self.values[5] = Some(if keepalive { "true" } else { "" });
    }

    /// Returns these options, with those that are not set taken from `defaults`.
    pub(crate) fn or(mut self, defaults: &Self) -> Self {
        for (value, default) in self.values.iter_mut().zip(&defaults.values) {
            *value = value.or(*default);
        }
        self
    }

    /// Returns whether the request outlives the page.
    pub(crate) fn is_keepalive(&self) -> bool {
        self.values[5] == Some("true")
    }

    /// Returns the members of `RequestInit` that are set, with their values.
    #[cfg(any(test, target_arch = "wasm32"))]
    pub(crate) fn members(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        MEMBERS.iter().zip(&self.values).filter_map(|(name, value)| Some((*name, (*value)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_options_that_are_set_are_members_of_the_request() {
        let mut options = FetchOptions::default();
        assert_eq!(options.members().count(), 0);
        options.set_credentials(Credentials::Include);
        options.set_cache(CacheMode::NoStore);
        options.set_mode(RequestMode::SameOrigin);
        options.set_redirect(RedirectMode::Error);
        options.set_referrer_policy(ReferrerPolicy::NoReferrer);
        options.set_keepalive(true);
        let members: Vec<_> = options.members().collect();
        assert_eq!(
            members,
            [
                ("credentials", "include"),
                ("cache", "no-store"),
                ("mode", "same-origin"),
                ("redirect", "error"),
                ("referrerPolicy", "no-referrer"),
                ("keepalive", "true"),
            ]
        );
    }

    #[test]
    fn an_option_of_the_call_replaces_the_default() {
        let (mut call, mut defaults) = (FetchOptions::default(), FetchOptions::default());
        defaults.set_credentials(Credentials::Include);
        defaults.set_redirect(RedirectMode::Error);
        defaults.set_keepalive(true);
        call.set_credentials(Credentials::Omit);
        call.set_keepalive(false);
        let members: Vec<_> = call.or(&defaults).members().collect();
        assert_eq!(members, [("credentials", "omit"), ("redirect", "error"), ("keepalive", "")]);
        assert!(defaults.is_keepalive() && !call.or(&defaults).is_keepalive());
        assert!(FetchOptions::default().or(&defaults).is_keepalive());
    }
}
