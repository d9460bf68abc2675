//! The notice of `index.html` for a panic of the page.

use std::panic::PanicHookInfo;

/// Installs a panic hook that logs to the console and shows the notice of `index.html`. After a panic no other code of the
/// page can be trusted, so the notice is static HTML with a link.
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
