//! All views: titles, paths, first load, and crashes of the page.

use std::{collections::BTreeSet, fs};

use anyhow::Result;
use drawbridge_e2e::{Environment, Visit};
use serde_json::json;

/// Returns the HTTP status of the page's address.
async fn status(visit: &Visit) -> Result<u16> {
    visit.browser.read("return fetch(location).then((response) => response.status)").await
}

#[tokio::test]
async fn each_view_has_a_title_and_a_path() -> Result<()> {
    let visit = Visit::start("/").await?;
    let mut titles = BTreeSet::new();
    let links = "return [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href'))";
    let paths: Vec<String> = visit.browser.read(links).await?;
    assert_eq!(paths.len(), 5, "{paths:?}");
    for path in &paths {
        visit.follow(path).await?;
        let current: String = visit
            .browser
            .await_value("the path of the view", "return location.pathname", |at: &String| at == path)
            .await?;
        assert_eq!(status(&visit).await?, 200, "the server knows the view at {path}");
        titles.insert(visit.browser.client().title().await?);
        // The path alone leads to the same view.
        visit.open(&current).await?;
        titles.insert(visit.browser.client().title().await?);
    }
    assert_eq!(titles.len(), paths.len(), "each view has its own title: {titles:?}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_shows_that_there_is_no_such_view() -> Result<()> {
    let visit = Visit::start("/no/such/view").await?;
    assert_eq!(status(&visit).await?, 404);
    let title = "return document.title";
    visit
        .browser
        .await_value("the title Not found", title, |title: &String| title.contains("Not found"))
        .await?;
    let link = "return document.querySelector('main a').textContent";
    assert_ne!(visit.browser.read::<String>(link).await?, "");
    visit.follow("/streams").await?;
    visit.open_stream("ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_panic_shows_a_notice_and_a_reload_recovers() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    let shown =
        "const notice = document.querySelector('#panic'); return notice !== null && notice.checkVisibility()";
    assert!(!visit.browser.read::<bool>(shown).await?, "a notice without a panic");
    let call = visit.open_stream("ada").await?;

    // Leptos panics when the browser does not create an element.
    let refuse =
        "Node.prototype.cloneNode = Document.prototype.createElement = () => { throw new Error('refused') }";
    visit.browser.read::<()>(refuse).await?;
    visit.follow("/greeter").await?;
    visit.browser.await_value("the notice of the panic", shown, |shown| *shown).await?;
    let detail: String =
        visit.browser.read("return document.querySelector('#panic code').textContent").await?;
    let place = detail.strip_prefix("panicked at ").unwrap_or_default();
    // The path starts with the crate, not with a folder of the build machine.
    assert!(place.contains(".rs:") && !place.starts_with('/'), "{detail}");

    visit.browser.click("#panic a").await?;
    assert_eq!(call.end().await?.how, "client gone");
    visit.browser.await_value("a page without the notice", shown, |shown: &bool| !*shown).await?;
    visit.follow("/streams").await?;
    visit.open_stream("ada").await?;
    Ok(())
}

#[tokio::test]
async fn a_link_works_without_the_history_api() -> Result<()> {
    let visit = Visit::start("/streams").await?;
    visit.browser.read::<()>("History.prototype.pushState = () => { throw new Error('refused') }").await?;
    visit.follow("/greeter").await?;
    let loaded = "return document.title === 'Greeter · Drawbridge' && performance.getEntriesByType('navigation')[0].name.endsWith('/greeter')";
    visit.browser.await_value("the view after a reload", loaded, |loaded: &bool| *loaded).await?;
    Ok(())
}

#[tokio::test]
async fn a_program_that_does_not_load_is_explained() -> Result<()> {
    let visit = Visit::start("/").await?;
    visit.browser.devtools("Network.enable", json!({})).await?;
    visit.browser.devtools("Network.setBlockedURLs", json!({ "urls": ["*.wasm"] })).await?;
    visit.browser.client().refresh().await?;
    let script = "return document.querySelector('#loading .failed').checkVisibility({ visibilityProperty: true, opacityProperty: true })";
    visit.browser.await_value("the notice", script, |shown| *shown).await?;
    Ok(())
}

#[tokio::test]
async fn a_view_whose_module_does_not_load_is_explained_and_tried_again() -> Result<()> {
    let visit = Visit::start("/services").await?;
    visit.browser.devtools("Network.enable", json!({})).await?;
    visit.browser.devtools("Network.setCacheDisabled", json!({ "cacheDisabled": true })).await?;
    visit.browser.devtools("Network.setBlockedURLs", json!({ "urls": ["*_split_*.wasm"] })).await?;
    visit.open("/streams").await?;
    visit.follow("/greeter").await?;
    visit.await_text("#not-loaded h1", |text| text.contains("has not started")).await?;
    // What the first load has goes on.
    visit.follow("/streams").await?;
    visit.open_stream("ada").await?;

    visit.browser.devtools("Network.setBlockedURLs", json!({ "urls": [] })).await?;
    visit.follow("/greeter").await?;
    visit.await_text("#say-hello", |text| !text.is_empty()).await?;
    Ok(())
}

/// `cargo xtask page` measures the files that `index.html` names as the first load, and the others as what the page loads when
/// it is idle. That holds only if the browser loads all files of the built page, nothing else, and in brotli.
#[tokio::test]
async fn the_browser_loads_the_built_page_in_brotli() -> Result<()> {
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
        assert!(built.contains(file), "{file} is not a file of the built page");
        assert_eq!(encoding, "br", "{file} is not in brotli");
    }
    Ok(())
}
