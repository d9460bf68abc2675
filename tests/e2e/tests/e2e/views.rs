//! What holds for every view: its title, its address, what it loads, and how it fails.

use std::{collections::BTreeSet, fs};

use anyhow::Result;
use drawbridge_e2e::{Environment, Visit};
use serde_json::json;

#[tokio::test]
async fn each_view_has_a_title_and_an_address() -> Result<()> {
    let visit = Visit::start("/").await?;
    let mut titles = BTreeSet::new();
    let paths = ["/streams", "/greeter", "/deadlines", "/calls", "/services"];
    for path in paths {
        visit.follow(path).await?;
        let current: String = visit
            .browser
            .await_value("the view's address", "return location.pathname", |at: &String| at == path)
            .await?;
        titles.insert(visit.browser.client().title().await?);
        // The address alone leads to the same view.
        visit.open(&current).await?;
        titles.insert(visit.browser.client().title().await?);
    }
    assert_eq!(titles.len(), paths.len(), "each view has one title of its own: {titles:?}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_is_answered_by_the_page() -> Result<()> {
    let visit = Visit::start("/no/such/view").await?;
    let title = "return document.title";
    visit
        .browser
        .await_value("a title that says so", title, |title: &String| title.contains("Not found"))
        .await?;
    let way_out = "return document.querySelector('main a').textContent";
    assert_ne!(visit.browser.read::<String>(way_out).await?, "");
    visit.follow("/streams").await?;
    visit.stream("ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_panic_is_told_and_a_reload_helps() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let shown =
        "const notice = document.querySelector('#panic'); return notice !== null && notice.checkVisibility()";
    assert!(!visit.browser.read::<bool>(shown).await?, "no panic, no notice");
    let call = visit.stream("ada").await?;

    // The framework panics in a browser that refuses to make an element.
    let refuse =
        "Node.prototype.cloneNode = Document.prototype.createElement = () => { throw new Error('refused') }";
    visit.browser.read::<()>(refuse).await?;
    visit.follow("/greeter").await?;
    visit.browser.await_value("the notice of the panic", shown, |shown| *shown).await?;
    let detail: String =
        visit.browser.read("return document.querySelector('#panic code').textContent").await?;
    let place = detail.strip_prefix("panicked at ").unwrap_or_default();
    // A crate, and no folder of whoever built the page.
    assert!(place.contains(".rs:") && !place.starts_with('/'), "{detail}");

    visit.browser.click("#panic a").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.await_value("a page without the notice", shown, |shown: &bool| !*shown).await?;
    visit.follow("/streams").await?;
    visit.stream("ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_browser_that_refuses_a_new_address_follows_the_link_by_itself() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.read::<()>("History.prototype.pushState = () => { throw new Error('refused') }").await?;
    visit.follow("/greeter").await?;
    let loaded = "return document.title === 'Greeter · Drawbridge' && performance.getEntriesByType('navigation')[0].name.endsWith('/greeter')";
    visit.browser.await_value("the view, loaded anew", loaded, |loaded: &bool| *loaded).await?;
    Ok(())
}

#[tokio::test]
async fn a_page_whose_program_does_not_load_says_so() -> Result<()> {
    let visit = Visit::start("/").await?;
    visit.browser.devtools("Network.enable", json!({})).await?;
    visit.browser.devtools("Network.setBlockedURLs", json!({ "urls": ["*.wasm"] })).await?;
    visit.browser.client().refresh().await?;
    let script = "return document.querySelector('#loading .late').checkVisibility({ visibilityProperty: true, opacityProperty: true })";
    visit.browser.await_value("words that say so", script, |shown| *shown).await?;
    Ok(())
}

/// What `cargo xtask page` weighs, and holds to its limit, is every file of the built page. That is the first load if the
/// browser loads them all, nothing else, and compressed.
#[tokio::test]
async fn the_first_load_is_the_built_page_in_brotli() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let built = fs::read_dir(Environment::read()?.page)?
        .map(|entry| Ok(entry?.file_name().display().to_string()))
        .collect::<Result<BTreeSet<String>>>()?;
    let script = "const file = (entry) => new URL(entry.name).pathname.slice(1);
        return [
          ...performance.getEntriesByType('navigation').map((entry) => ['index.html', entry.contentEncoding]),
          ...performance.getEntriesByType('resource')
            .filter((entry) => !entry.name.includes('/drawbridge.calls.v1.'))
            .map((entry) => [file(entry), entry.contentEncoding]),
        ]";
    let loaded: Vec<(String, String)> = visit
        .browser
        .await_value("all files of the page", script, |loaded: &Vec<_>| loaded.len() >= built.len())
        .await?;
    assert_eq!(loaded.len(), built.len(), "the browser loads more than the page: {loaded:?}");
    for (file, encoding) in &loaded {
        assert!(built.contains(file), "{file} is no file of the built page");
        assert_eq!(encoding, "br", "{file} is not in brotli");
    }
    Ok(())
}
