//! Circles of a graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

/// A graph whose edges have reasons.
#[derive(Debug, Default, Clone)]
pub struct Graph {
    edges: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

impl Graph {
    /// Adds one reason for an edge.
    pub fn add(&mut self, from: String, to: String, reason: String) {
        let reasons = self.edges.entry(from).or_default().entry(to).or_default();
        reasons.push(reason);
    }

    /// The nodes that an edge leads to.
    fn next<'a>(&'a self, node: &str) -> impl Iterator<Item = &'a String> {
        self.edges.get(node).into_iter().flat_map(BTreeMap::keys)
    }

    /// The shortest way from a node back to itself.
    fn shortest_from(&self, start: &str) -> Option<Vec<String>> {
        let mut came_from: BTreeMap<&String, &str> = BTreeMap::new();
        let mut waiting = VecDeque::from([start]);
        while let Some(node) = waiting.pop_front() {
            for next in self.next(node) {
                if next == start {
                    return Some(way_back(&came_from, start, node));
                }
                if !came_from.contains_key(next) {
                    came_from.insert(next, node);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    fn reasons(&self, from: &str, to: &str) -> &[String] {
        self.edges
            .get(from)
            .and_then(|edges| edges.get(to))
            .map_or(&[], Vec::as_slice)
    }

    fn reachable(&self, start: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut waiting = vec![start.to_owned()];
        while let Some(node) = waiting.pop() {
            for next in self.next(&node) {
                if reached.insert(next.clone()) {
                    waiting.push(next.clone());
                }
            }
        }
        reached
    }
}

fn way_back(came_from: &BTreeMap<&String, &str>, start: &str, end: &str) -> Vec<String> {
    let mut way = vec![end.to_owned()];
    let mut node = end.to_owned();
    while node != start {
        node = came_from[&node].to_owned();
        way.push(node.clone());
    }
    way.reverse();
    way
}

/// Nodes each of which leads to every other one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circle {
    /// All of them.
    pub members: BTreeSet<String>,
    /// The shortest circle among them.
    pub shortest: Vec<CircleEdge>,
}

/// One edge of a circle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircleEdge {
    pub from: String,
    pub to: String,
    /// The places in the code that make the edge.
    pub reasons: Vec<String>,
}

impl fmt::Display for Circle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let members: Vec<&str> = self.members.iter().map(String::as_str).collect();
        writeln!(f, "{} in a circle: {}", members.len(), members.join(", "))?;
        for step in &self.shortest {
            writeln!(f, "  {} needs {}:", step.from, step.to)?;
            for reason in &step.reasons {
                writeln!(f, "    {reason}")?;
            }
        }
        Ok(())
    }
}

/// Groups of nodes in circles, and the shortest circle of each group.
#[must_use]
pub fn circles(graph: &Graph) -> Vec<Circle> {
    let reached: BTreeMap<&String, BTreeSet<String>> = graph
        .edges
        .keys()
        .map(|node| (node, graph.reachable(node)))
        .collect();
    let mut groups: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (node, reaches) in &reached {
        let comes_back =
            |other: &&String| reached.get(other).is_some_and(|back| back.contains(*node));
        let group: BTreeSet<String> = reaches.iter().filter(comes_back).cloned().collect();
        if !group.is_empty() {
            groups.insert(group);
        }
    }
    groups
        .into_iter()
        .map(|members| circle(graph, members))
        .collect()
}

fn circle(graph: &Graph, members: BTreeSet<String>) -> Circle {
    let shortest = members
        .iter()
        .filter_map(|member| graph.shortest_from(member))
        .min_by_key(Vec::len)
        .unwrap_or_default();
    let next = shortest.iter().cycle().skip(1);
    let step = |(from, to): (&String, &String)| CircleEdge {
        from: from.clone(),
        to: to.clone(),
        reasons: graph.reasons(from, to).to_vec(),
    };
    let shortest = shortest.iter().zip(next).map(step).collect();
    Circle { members, shortest }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of edges like `a>b`.
    fn graph(edges: &str) -> Graph {
        let mut graph = Graph::default();
        for edge in edges.split_whitespace() {
            let (from, to) = edge.split_once('>').unwrap();
            graph.add(from.into(), to.into(), format!("{from} names {to}"));
        }
        graph
    }

    #[test]
    fn only_nodes_that_lead_back_to_themselves_are_in_a_circle() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a>b b>c a>c", &[]),
            ("a>b b>a b>c", &["ab"]),
            ("a>b b>c c>a d>a", &["abc"]),
            ("a>b b>a c>d d>c b>c", &["ab", "cd"]),
        ];
        for (edges, expected) in cases {
            let found = circles(&graph(edges)).into_iter();
            let found: Vec<String> = found
                .map(|circle| circle.members.into_iter().collect())
                .collect();
            assert_eq!(found, *expected, "{edges}");
        }
    }

    #[test]
    fn the_shortest_circle_is_told_with_its_reasons() {
        let found = circles(&graph("a>b b>c c>a c>b"));
        let told = found[0].to_string();
        let expected =
            "3 in a circle: a, b, c\n  b needs c:\n    b names c\n  c needs b:\n    c names b\n";
        assert_eq!(told, expected);
    }
}
