//! A type-erased view.

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState, Render, RenderHtml};

/// A type-erased view.
///
/// Leptos' `AnyView` can also update the old elements one by one, and carries the code for that with each view. A boxed view
/// that replaces another one replaces its elements; signals update what is inside it.
pub(crate) struct BoxedView(Box<dyn FnOnce() -> Box<dyn Mountable> + Send>);

impl BoxedView {
    /// Creates a view that `build` builds.
    pub(super) fn new(build: impl FnOnce() -> Box<dyn Mountable> + Send + 'static) -> Self {
        Self(Box::new(build))
    }

    /// Builds the view as the last child of an element.
    pub(super) fn append_to(self, parent: &Element) -> BoxedViewState {
        let mut state = self.build();
        state.mount(parent, None);
        state
    }
}

/// Erases the type of a view.
pub(crate) fn boxed(view: impl IntoView + 'static) -> BoxedView {
    BoxedView::new(|| Box::new(view.build()))
}

/// Shows the view that `view` returns, while it returns one. `view` is tracked.
pub(crate) fn optional(view: impl Fn() -> Option<BoxedView> + Send + 'static) -> BoxedView {
    let view: Box<dyn Fn() -> Option<BoxedView> + Send> = Box::new(view);
    boxed(view)
}

/// The state of a mounted boxed view.
pub(crate) struct BoxedViewState(Box<dyn Mountable>);

impl Render for BoxedView {
    type State = BoxedViewState;

    fn build(self) -> BoxedViewState {
        BoxedViewState((self.0)())
    }

    fn rebuild(self, state: &mut BoxedViewState) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl Mountable for BoxedViewState {
    fn unmount(&mut self) {
        self.0.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.elements()
    }
}

/// A boxed view takes no attributes.
impl AddAnyAttr for BoxedView {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self {
        self
    }
}

/// Leptos requires this of every view. It serves server-side rendering, which this page does not use.
impl RenderHtml for BoxedView {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> BoxedViewState {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
