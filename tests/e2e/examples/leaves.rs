//! Measures how long the server serves on after its visitor has left.
//!
//! ```text
//! cargo build --release --package drawbridge && trunk build --release
//! DRAWBRIDGE_BIN=target/release/drawbridge DRAWBRIDGE_PAGE=dist \
//!     cargo run --package drawbridge-e2e --example leaves -- 50
//! ```
//!
//! A stream is opened and left in mid-stream, as often as the argument says, by each way there is. One figure counts from
//! the page's last event (the click, `popstate` or `pagehide`, by the browser's `Date.now()`), the other from the command
//! that makes the browser leave, which is longer by what the browser does first: to load the page that comes next, say.
//! Both count to the timestamp of `client gone` in the server's log; browser and server read the same machine's clock.
//!
//! The program fails when a stream outlives its page by more than 100 milliseconds.

use std::{
    env,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result, ensure};
use drawbridge_e2e::{BackForwardCache, Visit};

/// How long a stream may outlive its page, in milliseconds.
const BOUND_MS: f64 = 100.0;

/// Notes the last event that can have been a leave, where the next document of the same origin can read it.
const CLOCK: &str = "
    const note = () => localStorage.setItem('left', Date.now());
    for (const leave of ['click', 'popstate', 'pagehide']) addEventListener(leave, note, true);
";

/// A way to leave.
#[derive(Clone, Copy)]
enum Way {
    Link,
    Back,
    Reload,
    Close,
    AwayIntoCache,
    Away,
}

impl Way {
    const ALL: [(Self, &str); 6] = [
        (Self::Link, "a link to another view"),
        (Self::Back, "the back button"),
        (Self::Reload, "reload"),
        (Self::Close, "closing the tab"),
        (Self::AwayIntoCache, "another site, kept in the back/forward cache"),
        (Self::Away, "another site, not kept"),
    ];

    /// Opens the view of streams so that it can be left this way.
    async fn arrive(self, visit: &Visit) -> Result<()> {
        match self {
            Self::Link | Self::Back => {
                visit.open("/greeter").await?;
                visit.follow("/streams").await
            }
            Self::Close => {
                let client = visit.browser.client();
                client.switch_to_window(client.new_window(true).await?.handle).await?;
                visit.browser.inject(CLOCK).await?;
                visit.open("/streams").await
            }
            Self::Reload | Self::AwayIntoCache | Self::Away => visit.open("/streams").await,
        }
    }

    /// Leaves, and comes to a document that can read what was noted.
    async fn leave(self, visit: &Visit) -> Result<()> {
        let client = visit.browser.client();
        match self {
            Self::Link => visit.follow("/greeter").await?,
            Self::Back => client.back().await?,
            Self::Reload => client.refresh().await?,
            Self::Close => {
                client.close_window().await?;
                let first = client.windows().await?.into_iter().next().context("the first tab is open")?;
                client.switch_to_window(first).await?;
            }
            Self::AwayIntoCache | Self::Away => {
                visit.browser.goto(&visit.server.url_of_another_site("/greeter")).await?;
                client.back().await?;
            }
        }
        Ok(())
    }
}

/// How long one stream outlived its page, in milliseconds. Less than nothing where the browser cuts the connection first,
/// and then tells the page.
#[derive(Clone, Copy)]
struct Outlived {
    page_ms: f64,
    command_ms: f64,
}

async fn measure(way: Way, count: usize) -> Result<Vec<Outlived>> {
    let cache = if matches!(way, Way::Away) { BackForwardCache::Off } else { BackForwardCache::On };
    let visit = Visit::start_with(cache, "/").await?;
    visit.browser.inject(CLOCK).await?;
    let mut measured = Vec::with_capacity(count);
    for _ in 0..count {
        way.arrive(&visit).await?;
        let call = visit.stream("ada").await?;
        visit.browser.read::<()>("localStorage.removeItem('left')").await?;
        let command = SystemTime::now();
        way.leave(&visit).await?;
        let end = call.end().await?;
        ensure!(end.how == "client gone", "the stream was not dropped, but {}", end.how);
        let read = "return Number(localStorage.getItem('left'))";
        let left: u64 = visit.browser.await_value("the time of the leave", read, |left| *left > 0).await?;
        let left = SystemTime::UNIX_EPOCH + Duration::from_millis(left);
        measured
            .push(Outlived { page_ms: ms_between(left, end.at), command_ms: ms_between(command, end.at) });
    }
    Ok(measured)
}

/// Returns how long `later` is after `earlier`, with its sign.
fn ms_between(earlier: SystemTime, later: SystemTime) -> f64 {
    let ms = |duration: Duration| duration.as_secs_f64() * 1000.0;
    later.duration_since(earlier).map_or_else(|error| -ms(error.duration()), ms)
}

fn median_and_worst(measured: &[Outlived], of: impl Fn(&Outlived) -> f64) -> (f64, f64) {
    let mut sorted: Vec<f64> = measured.iter().map(of).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    (sorted[sorted.len() / 2], sorted[sorted.len() - 1])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let count =
        env::args().nth(1).map_or(Ok(50), |count| count.parse()).context("how many leaves by each way?")?;
    ensure!(count > 0, "at least one leave by each way");
    println!("{count} leaves by each way, milliseconds until the server dropped the stream\n");
    println!("{:46} {:>9} {:>9} {:>9} {:>9}", "", "from page", "", "from command", "");
    println!("{:46} {:>9} {:>9} {:>9} {:>9}", "way", "median", "worst", "median", "worst");
    let mut worst_of_all = f64::MIN;
    for (way, name) in Way::ALL {
        let measured = measure(way, count).await.with_context(|| format!("leaving by {name}"))?;
        let (page_median, page_worst) = median_and_worst(&measured, |outlived| outlived.page_ms);
        let (command_median, command_worst) = median_and_worst(&measured, |outlived| outlived.command_ms);
        println!("{name:46} {page_median:>9.1} {page_worst:>9.1} {command_median:>9.1} {command_worst:>9.1}");
        worst_of_all = worst_of_all.max(page_worst);
    }
    ensure!(
        worst_of_all <= BOUND_MS,
        "a stream outlived its page by {worst_of_all:.1} ms; {BOUND_MS} are allowed"
    );
    Ok(())
}
