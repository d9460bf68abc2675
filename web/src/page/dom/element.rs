//! Static elements.

use leptos::tachys::renderer::Rndr;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::Mountable;

use super::boxed_view::{BoxedView, BoxedViewState, boxed};

/// Creates an element whose tag, attributes and children do not change.
pub(crate) fn element(
    tag: &'static str,
    attributes: &[(&'static str, &str)],
    children: impl IntoIterator<Item = BoxedView>,
) -> BoxedView {
    let attributes = attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    from_parts(tag, attributes, children.into_iter().collect())
}

/// Creates text that does not change.
pub(crate) fn text(text: impl Into<String>) -> BoxedView {
    boxed(text.into())
}

fn from_parts(
    tag: &'static str,
    attributes: Vec<(&'static str, String)>,
    children: Vec<BoxedView>,
) -> BoxedView {
    BoxedView::new(move || {
        let element = Rndr::create_element(tag, None);
        for (name, value) in attributes {
            Rndr::set_attribute(&element, name, &value);
        }
        let children = children.into_iter().map(|child| child.append_to(&element)).collect();
        Box::new(StaticElement { element, _children: children })
    })
}

/// A mounted static element. Dropping it drops the state of its children.
struct StaticElement {
    element: Element,
    _children: Vec<BoxedViewState>,
}

impl Mountable for StaticElement {
    fn unmount(&mut self) {
        self.element.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.element.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.element.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.element.elements()
    }
}
