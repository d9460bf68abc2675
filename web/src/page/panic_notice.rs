//! What the page says when its own code has failed.

use std::panic::PanicHookInfo;

/// Makes a panic show the notice of `index.html`, besides the console's account of it. Nothing else of the page can
/// be trusted by then, so the notice is plain markup and its way out is a link.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|info| {
        console_error_panic_hook::hook(info);
        show(info);
    }));
}

fn show(info: &PanicHookInfo<'_>) -> Option<()> {
    let document = web_sys::window()?.document()?;
    let notice = document.get_element_by_id("panic")?;
    if let Ok(Some(detail)) = notice.query_selector("code") {
        detail.set_text_content(Some(&info.to_string()));
    }
    notice.remove_attribute("hidden").ok()
}
