//! The page without a mouse.

use std::time::Duration;

use anyhow::{Result, bail};
use drawbridge_e2e::{FRONTEND, GREETINGS, STREAM, Visit};
use fantoccini::key::Key;

/// Presses Tab until the focus is on the element that `css` selects, and checks that the focus can be seen there.
pub(crate) async fn tab_to(visit: &Visit, css: &str) -> Result<()> {
    for _ in 0..30 {
        visit.browser.press(Key::Tab).await?;
        if visit.browser.read(&format!("return document.activeElement.matches({css:?})")).await? {
            let script = "const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
                return document.activeElement.matches(':focus-visible') && (outlineStyle !== 'none' || boxShadow !== 'none')";
            assert!(visit.browser.read::<bool>(script).await?, "the focus on `{css}` cannot be seen");
            return Ok(());
        }
    }
    bail!("Tab never came to `{css}`")
}

async fn type_text(visit: &Visit, text: &str) -> Result<()> {
    for key in text.chars() {
        visit.browser.press(key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_is_opened_cancelled_and_left_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/").await?;
    tab_to(&visit, "#key").await?;
    type_text(&visit, "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let first = visit.server.next_call(STREAM).await?;
    visit.await_state("ada", "streaming").await?;

    tab_to(&visit, "#streams > li[data-key='ada'] button").await?;
    visit.browser.press(Key::Enter).await?;
    visit.await_state("ada", "cancelled").await?;
    assert_eq!(first.end().await?.how, "client gone");
    let kept = "return document.activeElement.matches(\"#streams > li[data-key='ada'] button\")";
    assert!(visit.browser.read::<bool>(kept).await?, "the focus stays on the button that was pressed");

    visit.browser.press(Key::Enter).await?;
    let second = visit.server.next_call(STREAM).await?;
    tab_to(&visit, "nav a[href='/greeter']").await?;
    visit.browser.press(Key::Enter).await?;
    assert_eq!(second.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_deadline_and_metadata_are_written_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/").await?;
    tab_to(&visit, "#deadline").await?;
    type_text(&visit, "30").await?;
    tab_to(&visit, ".presets button").await?;
    tab_to(&visit, ".metadata summary").await?;
    visit.browser.press(Key::Enter).await?;
    tab_to(&visit, "#metadata").await?;
    type_text(&visit, "x-tag: one").await?;
    tab_to(&visit, "#key").await?;
    type_text(&visit, "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let granted = visit.server.next_call(STREAM).await?.granted();
    assert!(granted.is_some_and(|granted| granted <= Duration::from_secs(30)), "{granted:?}");
    assert_eq!(visit.sent().await?[0].headers["x-tag"], "one");
    Ok(())
}

#[tokio::test]
async fn a_call_over_two_hops_is_made_and_cancelled_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    tab_to(&visit, "#lookup").await?;
    // Tab selects what is there, so that it is typed over.
    type_text(&visit, "20").await?;
    tab_to(&visit, "#deadline").await?;
    type_text(&visit, "20").await?;
    visit.browser.press(Key::Enter).await?;
    let call = visit.server.next_call(FRONTEND).await?;
    let granted = call.granted();
    assert!(
        granted.is_some_and(|granted| granted <= Duration::from_secs(20)),
        "{granted:?}: it is typed over"
    );
    tab_to(&visit, "#call").await?;
    visit.browser.press(Key::Enter).await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_tried_again_is_composed_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    tab_to(&visit, "#deadline").await?;
    type_text(&visit, "30").await?;
    tab_to(&visit, ".failing summary").await?;
    visit.browser.press(Key::Enter).await?;
    tab_to(&visit, "#attempts").await?;
    type_text(&visit, "2").await?;
    tab_to(&visit, "#frontend-first").await?;
    type_text(&visit, "1").await?;
    tab_to(&visit, "#frontend-code").await?;
    tab_to(&visit, "#call").await?;
    visit.browser.press(Key::Enter).await?;
    visit.server.next_call(FRONTEND).await?;
    assert_eq!(visit.server.next_call(FRONTEND).await?.end().await?.code, "OK");
    Ok(())
}

#[tokio::test]
async fn greetings_are_started_and_stopped_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    tab_to(&visit, "#name").await?;
    type_text(&visit, "ada").await?;
    tab_to(&visit, "#say-hello").await?;
    visit.browser.press(Key::Enter).await?;
    let script = "return document.querySelector('#hello').textContent";
    visit
        .browser
        .await_value("the greeting", script, |words: &String| words.contains("Ada Lovelace"))
        .await?;

    tab_to(&visit, "#start-greetings").await?;
    visit.browser.press(Key::Enter).await?;
    let call = visit.server.next_call(GREETINGS).await?;
    tab_to(&visit, "#stop-greetings").await?;
    visit.browser.press(Key::Enter).await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}
