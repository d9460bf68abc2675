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

/// Goes to an element and presses Enter there.
pub(crate) async fn press_at(visit: &Visit, css: &str) -> Result<()> {
    tab_to(visit, css).await?;
    visit.browser.press(Key::Enter).await
}

/// Goes to a field and types into it. Tab selects what an input holds, so that it is typed over.
async fn type_at(visit: &Visit, css: &str, text: &str) -> Result<()> {
    tab_to(visit, css).await?;
    for key in text.chars() {
        visit.browser.press(key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_is_opened_cancelled_and_left_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/").await?;
    type_at(&visit, "#key", "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let first = visit.server.next_call(STREAM).await?;
    visit.await_state("ada", "streaming").await?;

    press_at(&visit, "#streams > li[data-key='ada'] button").await?;
    visit.await_state("ada", "cancelled").await?;
    assert_eq!(first.end().await?.how, "client gone");
    let kept = "return document.activeElement.matches(\"#streams > li[data-key='ada'] button\")";
    assert!(visit.browser.read::<bool>(kept).await?, "the focus stays on the button that was pressed");

    visit.browser.press(Key::Enter).await?;
    let second = visit.server.next_call(STREAM).await?;
    press_at(&visit, "nav a[href='/greeter']").await?;
    assert_eq!(second.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_deadline_and_metadata_are_written_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/").await?;
    type_at(&visit, "#deadline", "30").await?;
    tab_to(&visit, ".presets button").await?;
    press_at(&visit, ".metadata summary").await?;
    type_at(&visit, "#metadata", "x-tag: one").await?;
    type_at(&visit, "#key", "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let granted = visit.server.next_call(STREAM).await?.granted();
    assert!(granted.is_some_and(|granted| granted <= Duration::from_secs(30)), "{granted:?}");
    assert_eq!(visit.sent().await?[0].headers["x-tag"], "one");
    Ok(())
}

#[tokio::test]
async fn a_call_over_two_hops_is_made_and_cancelled_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    type_at(&visit, "#lookup", "20").await?;
    type_at(&visit, "#deadline", "20").await?;
    visit.browser.press(Key::Enter).await?;
    let call = visit.server.next_call(FRONTEND).await?;
    let granted = call.granted();
    assert!(
        granted.is_some_and(|granted| granted <= Duration::from_secs(20)),
        "{granted:?}: it is typed over"
    );
    press_at(&visit, "#call").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_tried_again_is_composed_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    type_at(&visit, "#deadline", "30").await?;
    press_at(&visit, ".failing summary").await?;
    type_at(&visit, "#attempts", "2").await?;
    type_at(&visit, "#frontend-first", "1").await?;
    tab_to(&visit, "#frontend-code").await?;
    press_at(&visit, "#call").await?;
    visit.server.next_call(FRONTEND).await?;
    assert_eq!(visit.server.next_call(FRONTEND).await?.end().await?.code, "OK");
    Ok(())
}

#[tokio::test]
async fn greetings_are_started_and_stopped_by_keyboard_alone() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    type_at(&visit, "#name", "ada").await?;
    press_at(&visit, "#say-hello").await?;
    let script = "return document.querySelector('#hello').textContent";
    visit
        .browser
        .await_value("the greeting", script, |words: &String| words.contains("Ada Lovelace"))
        .await?;

    press_at(&visit, "#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    press_at(&visit, "#stop-greetings").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}
