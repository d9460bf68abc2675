//! Files that use each other, directly or through others.

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::arrows::Arrow;
use super::tree::Tree;

/// Returns a text for each circle: its files, and the arrows between them.
pub(super) fn check(tree: &Tree, arrows: &[Arrow]) -> Vec<String> {
    let mut graph = DiGraph::<(), ()>::new();
    for _ in &tree.files {
        graph.add_node(());
    }
    graph.extend_with_edges(arrows.iter().map(|arrow| (node(arrow.from), node(arrow.to))));
    let circles = tarjan_scc(&graph).into_iter().filter(|circle| circle.len() > 1);
    circles.map(|circle| describe(tree, arrows, &circle)).collect()
}

fn node(file: usize) -> NodeIndex {
    NodeIndex::new(file)
}

fn describe(tree: &Tree, arrows: &[Arrow], circle: &[NodeIndex]) -> String {
    let within = |file: usize| circle.contains(&node(file));
    let arrows = arrows.iter().filter(|arrow| within(arrow.from) && within(arrow.to)).map(|arrow| {
        let (from, to) = (tree.files[arrow.from].display(), tree.files[arrow.to].display());
        format!("\n    {from}:{}: uses `{}` of {to}", arrow.line, arrow.name)
    });
    let arrows: String = arrows.collect();
    format!("{} files use each other in a circle; remove an arrow of it:{arrows}", circle.len())
}
