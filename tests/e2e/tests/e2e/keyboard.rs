//! The page without a mouse.

use std::time::Duration;

use anyhow::{Result, bail};
use drawbridge_e2e::{FRONTEND, GREETINGS, STREAM, Visit};
use fantoccini::key::Key;

/// Presses Tab until the element that `css` selects has the focus, and checks that the focus is visible.
pub(crate) async fn tab_to(visit: &Visit, css: &str) -> Result<()> {
    for _ in 0..30 {
        visit.browser.press(Key::Tab).await?;
        if visit.browser.read(&format!("return document.activeElement.matches({css:?})")).await? {
            let script = "const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
                return document.activeElement.matches(':focus-visible') && (outlineStyle !== 'none' || boxShadow !== 'none')";
            assert!(visit.browser.read::<bool>(script).await?, "the focus on `{css}` is not visible");
            return Ok(());
        }
    }
    bail!("Tab did not reach `{css}`")
}

/// Moves the focus to an element with Tab, and presses Enter.
pub(crate) async fn press_at(visit: &Visit, css: &str) -> Result<()> {
    tab_to(visit, css).await?;
    visit.browser.press(Key::Enter).await
}

/// Moves the focus to a field with Tab, and types. Tab selects the text of an input, so typing replaces it.
async fn type_at(visit: &Visit, css: &str, text: &str) -> Result<()> {
    tab_to(visit, css).await?;
    for key in text.chars() {
        visit.browser.press(key).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_stream_is_opened_cancelled_and_left_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/").await?;
    type_at(&visit, "#key", "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let first = visit.server.next_call(STREAM).await?;
    visit.await_state("ada", "streaming").await?;

    press_at(&visit, "#streams > li[data-key='ada'] button").await?;
    visit.await_state("ada", "cancelled").await?;
    assert_eq!(first.end().await?.how, "client gone");
    let kept = "return document.activeElement.matches(\"#streams > li[data-key='ada'] button\")";
    assert!(visit.browser.read::<bool>(kept).await?, "the focus stays on the pressed button");

    visit.browser.press(Key::Enter).await?;
    let second = visit.server.next_call(STREAM).await?;
    press_at(&visit, "nav a[href='/greeter']").await?;
    assert_eq!(second.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn deadline_and_metadata_are_filled_in_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/").await?;
    type_at(&visit, "#deadline", "30").await?;
    tab_to(&visit, ".presets button").await?;
    press_at(&visit, ".metadata summary").await?;
    type_at(&visit, "#metadata", "x-tag: one").await?;
    type_at(&visit, "#key", "ada").await?;
    visit.browser.press(Key::Enter).await?;
    let granted = visit.server.next_call(STREAM).await?.granted();
    assert!(granted.is_some_and(|granted| granted <= Duration::from_secs(30)), "{granted:?}");
    assert_eq!(visit.requests().await?[0].headers["x-tag"], "one");
    Ok(())
}

#[tokio::test]
async fn a_call_over_two_hops_is_made_and_cancelled_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    type_at(&visit, "#lookup", "20").await?;
    type_at(&visit, "#deadline", "20").await?;
    visit.browser.press(Key::Enter).await?;
    let call = visit.server.next_call(FRONTEND).await?;
    let granted = call.granted();
    assert!(
        granted.is_some_and(|granted| granted <= Duration::from_secs(20)),
        "{granted:?}: typing replaces the text"
    );
    press_at(&visit, "#call").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}

#[tokio::test]
async fn retries_are_filled_in_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/deadlines").await?;
    type_at(&visit, "#deadline", "30").await?;
    press_at(&visit, ".retries summary").await?;
    type_at(&visit, "#attempts", "2").await?;
    type_at(&visit, "#frontend-attempts", "1").await?;
    tab_to(&visit, "#frontend-code").await?;
    press_at(&visit, "#call").await?;
    visit.server.next_call(FRONTEND).await?;
    assert_eq!(visit.server.next_call(FRONTEND).await?.end().await?.code, "OK");
    Ok(())
}

#[tokio::test]
async fn the_greeter_is_used_with_the_keyboard() -> Result<()> {
    let visit = Visit::start("/greeter").await?;
    type_at(&visit, "#name", "ada").await?;
    press_at(&visit, "#say-hello").await?;
    let script = "return document.querySelector('#greeting').textContent";
    visit.browser.await_value("the greeting", script, |text: &String| text.contains("Ada Lovelace")).await?;

    press_at(&visit, "#start-greetings").await?;
    let call = visit.server.next_call(GREETINGS).await?;
    press_at(&visit, "#stop-greetings").await?;
    assert_eq!(call.end().await?.how, "client gone");
    Ok(())
}
