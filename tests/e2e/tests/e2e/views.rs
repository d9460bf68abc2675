//! What holds for every view: its title, its place in the history, what it weighs.

use std::collections::BTreeSet;

use anyhow::Result;
use drawbridge_e2e::{Environment, Visit};

#[tokio::test]
async fn each_view_has_a_title_and_an_address() -> Result<()> {
    let visit = Visit::start("/").await?;
    let mut titles = BTreeSet::new();
    for path in ["/streams", "/greeter"] {
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
    assert_eq!(titles.len(), 2, "each view has one title of its own: {titles:?}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_path_is_answered_by_the_page() -> Result<()> {
    let visit = Visit::start("/no/such/view").await?;
    let script = "return document.querySelector('main').textContent.toLowerCase()";
    visit
        .browser
        .await_value("words that say so", script, |words: &String| words.contains("no page at this address"))
        .await?;
    visit.follow("/streams").await?;
    visit.stream("ada").await?;
    Ok(())
}

#[tokio::test]
async fn the_panic_notice_is_not_shown_without_a_panic() -> Result<()> {
    let visit = Visit::start("/").await?;
    let script =
        "const notice = document.querySelector('#panic'); return notice !== null && notice.checkVisibility()";
    assert!(!visit.browser.read::<bool>(script).await?);
    Ok(())
}

#[tokio::test]
async fn the_first_load_is_the_files_that_the_build_weighs() -> Result<()> {
    let visit = Visit::start("/").await?;
    let script = "return ['navigation', 'resource'].flatMap((type) => performance.getEntriesByType(type))
        .map((entry) => [entry.name, entry.transferSize])";
    let loaded: Vec<(String, u64)> = visit.browser.read(script).await?;
    // How many bytes these may be is held where they are weighed, as the program carries them: the server under test
    // reads them from disk, and compresses them in less time and to less effect.
    let page = Environment::read()?.page;
    for (url, moved) in loaded {
        let name = url.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("index.html");
        let built = std::fs::metadata(page.join(name))?.len();
        assert!(moved > 0, "an empty profile loads everything: {url}");
        assert!(moved < built || built < 1024, "{url} moves {moved} bytes for the {built} that were built");
    }
    Ok(())
}
