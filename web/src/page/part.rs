//! A part of the page whose type is forgotten.

use leptos::prelude::*;
use leptos::tachys::html::attribute::Attribute;
use leptos::tachys::html::attribute::any_attribute::AnyAttribute;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState, Render, RenderHtml};

/// A view like any other to those who show it, who are compiled once for all parts, and not once for each view.
///
/// Where a part takes the place of another, it takes it as a whole. That is where it differs from Leptos' `AnyView`,
/// which can also bring the old elements up to date one by one, and carries for each view the code to do so. What
/// changes within a part is for the signals in it.
pub(crate) struct Part(Box<dyn FnOnce() -> Box<dyn Mountable> + Send>);

impl Part {
    /// Makes a part of what `build` puts together.
    pub(super) fn new(build: impl FnOnce() -> Box<dyn Mountable> + Send + 'static) -> Self {
        Self(Box::new(build))
    }

    /// Puts the part together as the last child of an element.
    pub(super) fn into_element(self, parent: &Element) -> Built {
        let mut built = self.build();
        built.mount(parent, None);
        built
    }
}

/// Makes a part of `view`.
pub(crate) fn part(view: impl IntoView + 'static) -> Part {
    Part::new(|| Box::new(view.build()))
}

/// Makes a part that is there while `view` makes one.
pub(crate) fn part_while(view: impl Fn() -> Option<Part> + Send + 'static) -> Part {
    let view: Box<dyn Fn() -> Option<Part> + Send> = Box::new(view);
    part(view)
}

/// A part that is in the page.
pub(crate) struct Built(Box<dyn Mountable>);

impl Render for Part {
    type State = Built;

    fn build(self) -> Built {
        Built((self.0)())
    }

    fn rebuild(self, state: &mut Built) {
        let mut built = self.build();
        state.insert_before_this(&mut built);
        state.unmount();
        *state = built;
    }
}

impl Mountable for Built {
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

/// A part has no attributes of its own.
impl AddAnyAttr for Part {
    type Output<A: Attribute> = Self;

    fn add_any_attr<A: Attribute>(self, _: A) -> Self {
        self
    }
}

/// What Leptos asks of every view, for pages that come from a server as HTML. This one does not.
impl RenderHtml for Part {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> Built {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}
