//! What is shown where there is no view.

use leptos::prelude::*;

use super::parts::hero;
use crate::page::part::{Part, part};
use crate::page::plain::{plain, words};

/// Shows the way back.
pub(crate) fn not_found() -> Part {
    document().set_title("Not found · Drawbridge");
    let way = plain("a", &[("href", "/streams")], [words("Go to the streams")]);
    part(vec![
        hero(&["No bridge", "leads here."], "There is no page at this address."),
        plain("p", &[("class", "way")], [way]),
    ])
}
