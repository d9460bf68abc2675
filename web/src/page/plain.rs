//! Elements that do not change.

use leptos::tachys::renderer::Rndr;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::Mountable;

use super::part::{Built, Part, part};

/// Makes an element with these attributes, around these parts.
///
/// It is for what stays as it is until it goes. What `view!` makes is compiled for each shape of an element anew, and can
/// follow signals and be brought up to date; this is in the page once.
pub(crate) fn plain(
    tag: &'static str,
    attributes: &[(&'static str, &str)],
    children: impl IntoIterator<Item = Part>,
) -> Part {
    let attributes = attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    made(tag, attributes, children.into_iter().collect())
}

/// Makes a part of text.
pub(crate) fn words(words: impl Into<String>) -> Part {
    part(words.into())
}

fn made(tag: &'static str, attributes: Vec<(&'static str, String)>, children: Vec<Part>) -> Part {
    Part::new(move || {
        let element = Rndr::create_element(tag, None);
        for (name, value) in attributes {
            Rndr::set_attribute(&element, name, &value);
        }
        let children = children.into_iter().map(|child| child.into_element(&element)).collect();
        Box::new(Plain { element, _children: children })
    })
}

/// An element in the page. What its children own is theirs until it is dropped.
struct Plain {
    element: Element,
    _children: Vec<Built>,
}

impl Mountable for Plain {
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
