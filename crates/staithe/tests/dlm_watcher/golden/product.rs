//! One product's requests, without what is arbitrary in them: the order in which a directory lists its entries.
//!
//! The top item comes first, as it was sent. Then each child has its registration and what follows it. Which child is the
//! first one is arbitrary too, but what follows the first one's registration is not.

use std::collections::{BTreeMap, HashSet};

use super::sent::Sent;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Product {
    /// The top item's requests.
    pub(super) top: Vec<String>,
    /// The children's registrations, sorted.
    pub(super) children: Vec<String>,
    /// What follows the registration of the first child.
    pub(super) first: Option<Vec<String>>,
    /// What follows that of each other child, sorted.
    pub(super) others: Vec<Vec<String>>,
}

impl Product {
    fn of(requests: &[Sent]) -> Self {
        let mut product = Self::default();
        // From a registration of another item to the next.
        let mut blocks: Vec<Vec<&Sent>> = Vec::new();
        for sent in requests {
            match blocks.last_mut() {
                Some(block) if !sent.registers() || block[0].item == sent.item => block.push(sent),
                _ => blocks.push(vec![sent]),
            }
        }
        for (at, block) in blocks.iter().enumerate() {
            let registration = block[0];
            if at == 0 {
                product.top = block.iter().map(|sent| sent.text()).collect();
                continue;
            }
            product.children.push(registration.text());
            let rest = block[1..].iter().map(|sent| sent.text_for_any(registration)).collect();
            if at == 1 { product.first = Some(rest) } else { product.others.push(rest) }
        }
        product.children.sort_unstable();
        product.others.sort_unstable();
        product
    }

    /// Makes a directory whole of which only the first children were listed: the others are like its last one.
    pub(super) fn complete(&mut self, listed: &str, names: impl Iterator<Item = String>) {
        let like = self.children.iter().find(|line| line.contains(listed)).expect("it is listed").clone();
        self.children = names.map(|name| like.replace(listed, &name)).collect();
        self.children.sort_unstable();
        let rest = self.others[0].clone();
        self.others = vec![rest; self.children.len() - 1];
    }

    /// The same, in lines that a person can compare.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.top.clone();
        lines.extend(self.children.iter().map(|line| format!("child: {line}")));
        lines.extend(self.first.iter().flatten().map(|line| format!("then, first: {line}")));
        for rest in &self.others {
            lines.push("then, another:".to_owned());
            lines.extend(rest.iter().map(|line| format!("    {line}")));
        }
        lines
    }
}

/// A run's requests: those of start-up in order, and each product's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) start: Vec<String>,
    pub(super) products: BTreeMap<String, Product>,
}

impl Story {
    pub(super) fn of(sent: &[Sent]) -> Self {
        let mut story = Self::default();
        let mut products: BTreeMap<String, Vec<Sent>> = BTreeMap::new();
        for one in sent {
            if one.item.is_empty() {
                story.start.push(one.text());
            } else {
                let top = one.item.split('/').next().unwrap_or_default();
                products.entry(top.to_owned()).or_default().push(one.clone());
            }
        }
        for (name, requests) in products {
            story.products.insert(name, Product::of(&requests));
        }
        story
    }

    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = self.start.clone();
        for (name, product) in &self.products {
            lines.push(format!("— {name}"));
            lines.extend(product.lines());
        }
        lines
    }
}

/// Whether each directory is registered before what lies in it.
pub(super) fn parents_first(sent: &[Sent]) -> bool {
    let mut seen = HashSet::new();
    sent.iter().filter(|one| one.registers()).all(|one| {
        seen.insert(one.item.clone());
        one.item.rsplit_once('/').is_none_or(|(parent, _)| seen.contains(parent))
    })
}
