//! All that can be asked for descriptors, and in which order.

use std::collections::BTreeSet;
use std::sync::Arc;

use drawbridge_core::path::is_name;

use super::source::Source;
use crate::upstream::{Route, Routes};

/// All that can be asked for descriptors.
#[derive(Debug)]
pub(super) struct Sources {
    /// The names of the hosted services.
    hosted: BTreeSet<&'static str>,
    routes: Routes,
    /// What is hosted first, then the upstreams.
    all: Vec<Source>,
}

/// Where a symbol belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Hosted,
    /// The upstream at this index.
    Upstream(usize),
    /// Its service is not exposed, so no upstream is asked.
    Blocked,
    Unknown,
}

impl Sources {
    pub(super) fn new(hosted: BTreeSet<&'static str>, routes: Routes, all: Vec<Source>) -> Self {
        Self { hosted, routes, all }
    }

    pub(super) fn hosted(&self) -> impl Iterator<Item = &'static str> {
        self.hosted.iter().copied()
    }

    pub(super) fn get(&self, index: usize) -> &Source {
        &self.all[index]
    }

    /// Returns the upstreams, with their indices.
    pub(super) fn upstreams(&self) -> impl Iterator<Item = (usize, &Source)> {
        self.all.iter().enumerate().filter(|(_, source)| source.pool().is_some())
    }

    /// Tells whether a call to the service would go to the upstream at this index.
    pub(super) fn is_forwarded_to(&self, service: &str, index: usize) -> bool {
        is_name(service)
            && !self.hosted.contains(service)
            && self.routes.find(service).is_some_and(|route| self.upstream(&route) == Some(index))
    }

    /// Returns the owner of a symbol: a service, something inside of one, or anything in its package.
    pub(super) fn owner(&self, symbol: &str) -> Owner {
        let parent = symbol.rsplit_once('.').map(|(parent, _)| parent);
        let names = || [Some(symbol), parent].into_iter().flatten();
        if names().any(|name| self.hosted.contains(name)) {
            return Owner::Hosted;
        }
        let routes: Vec<_> = names().filter_map(|name| self.routes.find(name)).collect();
        match routes.iter().find_map(|route| self.upstream(route)) {
            Some(index) => Owner::Upstream(index),
            None if routes.is_empty() => Owner::Unknown,
            None => Owner::Blocked,
        }
    }

    /// Returns the order in which sources are asked: the owner, the one that answered last, and all others.
    pub(super) fn order(&self, owner: Owner, last: Option<usize>) -> Vec<usize> {
        let (hosted, upstreams): (Vec<_>, Vec<_>) =
            (0..self.all.len()).partition(|index| self.all[*index].pool().is_none());
        let mut order = Vec::with_capacity(self.all.len());
        let mut push = |index| {
            if !order.contains(&index) {
                order.push(index);
            }
        };
        match owner {
            Owner::Hosted => hosted.iter().copied().for_each(&mut push),
            Owner::Upstream(index) => push(index),
            Owner::Blocked => return hosted,
            Owner::Unknown => {}
        }
        last.into_iter().chain(hosted).chain(upstreams).for_each(push);
        order
    }

    fn upstream(&self, route: &Route) -> Option<usize> {
        let Route::To(pool) = route else { return None };
        self.all.iter().position(|source| source.pool().is_some_and(|other| Arc::ptr_eq(other, pool)))
    }
}
