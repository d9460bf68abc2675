//! The table of figures, as Markdown: a line for each figure of the bridge and what it is compared with.

use std::fmt;

/// What a figure of the bridge is compared with.
#[derive(Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    /// The largest ratio of the bridge's figure to the peer's that is allowed.
    pub(crate) limit: Option<f64>,
}

impl Peer {
    /// A peer without a limit.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self { name, limit: None }
    }

    /// Sets the limit.
    pub(crate) const fn within(self, limit: f64) -> Self {
        Self { limit: Some(limit), ..self }
    }
}

/// A figure of the bridge, and the same of its peers.
struct Row {
    name: String,
    unit: &'static str,
    ours: f64,
    theirs: Vec<(Peer, f64)>,
}

/// All rows of a run.
pub(crate) struct Table {
    /// The text that the name of a row must contain.
    only: String,
    rows: Vec<Row>,
}

impl Table {
    /// A table of rows whose names contain `only`.
    pub(crate) fn new(only: &str) -> Self {
        Self { only: only.to_owned(), rows: Vec::new() }
    }

    /// Returns whether a row of this name is measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }

    /// Adds a row from the figures of the bridge and of its peers, each of all rounds. A peer without figures is left out.
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        ours: Vec<f64>,
        theirs: impl IntoIterator<Item = (Peer, Option<Vec<f64>>)>,
    ) {
        let theirs = theirs.into_iter().filter_map(|(peer, figures)| Some((peer, median(figures?))));
        let row = Row { name: name.into(), unit, ours: median(ours), theirs: theirs.collect() };
        eprintln!("{row}");
        self.rows.push(row);
    }

    /// Returns whether no row was measured.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the ratios that are over their limits, in words.
    pub(crate) fn over(&self) -> Vec<String> {
        let rows = self.rows.iter();
        let pairs = rows.flat_map(|row| row.theirs.iter().map(move |theirs| (row, theirs)));
        pairs
            .filter(|(row, theirs)| row.is_over(theirs))
            .map(|(row, (peer, theirs))| {
                let (ratio, limit) = (row.ours / theirs, peer.limit.unwrap_or_default());
                format!("{}: {ratio:.3} of {}, limit {limit:.2}", row.name, peer.name)
            })
            .collect()
    }
}

impl Row {
    fn is_over(&self, (peer, theirs): &(Peer, f64)) -> bool {
        let ratio = self.ours / theirs;
        // Of what is compared, no figure is a number that is not.
        peer.limit.is_some_and(|limit| ratio > limit || ratio.is_nan())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| | Drawbridge | beside | | ratio | limit |")?;
        writeln!(f, "|---|---:|---|---:|---:|---:|")?;
        self.rows.iter().try_for_each(|row| writeln!(f, "{row}"))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {}, {} | {} ", self.name, self.unit, figure(self.ours))?;
        if self.theirs.is_empty() {
            return write!(f, "| | | | |");
        }
        for (index, theirs) in self.theirs.iter().enumerate() {
            if index > 0 {
                write!(f, "\n| | ")?;
            }
            let (peer, value) = theirs;
            let ratio = self.ours / value;
            let over = if self.is_over(theirs) { " (over)" } else { "" };
            let limit = peer.limit.map(|limit| format!("{limit:.2}")).unwrap_or_default();
            write!(f, "| {} | {} | {ratio:.2}{over} | {limit} |", peer.name, figure(*value))?;
        }
        Ok(())
    }
}

/// Writes a figure with three digits or more.
fn figure(value: f64) -> String {
    if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") }
}

/// Returns the middle one of the values.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

/// Returns the value below which this part of all values lies, such as 0.99.
pub(crate) fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index into the values")]
    values[(values.len() as f64 * part) as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENVOY: Peer = Peer::new("Envoy").within(0.36);
    const OTHER: Peer = Peer::new("other");

    fn table(ours: f64) -> Table {
        let mut table = Table::new("unary");
        let theirs = [(ENVOY, Some(vec![30.0, 20.0, 1.0])), (OTHER, Some(vec![100.0])), (OTHER, None)];
        table.add("unary call", "µs", vec![1.0, ours, 90.0], theirs);
        table
    }

    #[test]
    fn a_row_has_a_line_for_each_peer_that_was_measured() {
        let printed = table(6.0).to_string();
        let lines: Vec<_> = printed.lines().skip(2).collect();
        assert_eq!(
            lines,
            ["| unary call, µs | 6.00 | Envoy | 20.00 | 0.30 | 0.36 |", "| | | other | 100 | 0.06 |  |"]
        );
    }

    #[test]
    fn every_line_has_as_many_cells() {
        let mut table = table(6.0);
        table.add("alone", "ms", vec![1.0], []);
        let cells = |line: &str| line.matches('|').count();
        assert!(table.to_string().lines().all(|line| cells(line) == 7), "{table}");
    }

    #[test]
    fn a_ratio_over_its_limit_is_marked_and_told() {
        let over = table(7.4);
        assert_eq!(over.over(), ["unary call: 0.370 of Envoy, limit 0.36"]);
        assert_eq!(over.to_string().matches("(over)").count(), 1);
        assert!(table(7.2).over().is_empty());
    }

    #[test]
    fn a_ratio_that_is_no_number_is_over_its_limit() {
        let mut table = Table::new("");
        table.add("nothing", "µs", vec![0.0], [(ENVOY, Some(vec![0.0])), (OTHER, Some(vec![0.0]))]);
        assert_eq!(table.over().len(), 1);
    }

    #[test]
    fn rows_are_chosen_by_a_part_of_their_names() {
        assert!(table(1.0).wants("CPU per unary call"));
        assert!(!table(1.0).wants("CPU per message"));
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (0..200).rev().map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.99).to_bits(), 198_f64.to_bits());
        assert_eq!(median(values).to_bits(), 100_f64.to_bits());
    }
}
