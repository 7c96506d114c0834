//! A parsed schema.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::node::{Node, NodeId, Nodes};
use super::parse::{self, ParseMode, ParseOptions};
use super::{canonical, equality, fingerprint, normalize};
use crate::error::SchemaError;

/// An immutable parsed schema; a clone costs one reference count.
///
/// Bounded by the [`Limits`](super::Limits) it was parsed under: every recursive walk that enters each named type once is
/// at most `depth_max` deep.
#[derive(Clone)]
pub struct Schema(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) nodes: Nodes,
    pub(super) root: NodeId,
    /// Names of the top-level types of referenced texts: the canonical text does not spell them out.
    pub(super) reference_names: HashSet<String>,
    /// The node of each referenced text, and where its nodes end in the arena.
    pub(super) references: Box<[ReferenceNodes]>,
    pub(super) canonical: OnceLock<String>,
}

/// The nodes of one referenced text: those below `end` that belong to no earlier text.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReferenceNodes {
    pub(super) root: NodeId,
    pub(super) end: u32,
}

impl Schema {
    /// Parses a text that needs no references, under the default limits.
    pub fn parse(text: &str, mode: ParseMode) -> Result<Self, SchemaError> {
        Self::parse_with(text, &[], &ParseOptions { mode, ..ParseOptions::default() })
    }

    /// Parses a text whose `references` (in resolution order: what a text needs stands before it) define types it names.
    /// The same `mode` applies to all texts.
    pub fn parse_with_references(
        text: &str,
        references: &[&str],
        mode: ParseMode,
    ) -> Result<Self, SchemaError> {
        Self::parse_with(text, references, &ParseOptions { mode, ..ParseOptions::default() })
    }

    /// As [`Self::parse_with_references`], under given limits.
    pub fn parse_with(text: &str, references: &[&str], options: &ParseOptions) -> Result<Self, SchemaError> {
        parse::parse(text, references, options)
    }

    pub(super) fn from_parts(
        nodes: Nodes,
        root: NodeId,
        reference_names: HashSet<String>,
        references: Box<[ReferenceNodes]>,
    ) -> Self {
        Self(Arc::new(Inner { nodes, root, reference_names, references, canonical: OnceLock::new() }))
    }

    /// The schema with the same nodes, changed in place: ids stay what they were.
    pub(super) fn with_nodes(&self, nodes: Nodes) -> Self {
        Self::from_parts(nodes, self.root(), self.0.reference_names.clone(), self.0.references.clone())
    }

    /// The text the registry stores, hashes and returns; top-level types of references appear as names.
    /// Printed once and kept.
    pub fn canonical(&self) -> &str {
        self.0.canonical.get_or_init(|| canonical::print(&self.0.nodes, self.root(), &self.0.reference_names))
    }

    /// The canonical text with every referenced type spelt out at its first use.
    pub fn resolved(&self) -> String {
        canonical::print(&self.0.nodes, self.root(), &HashSet::new())
    }

    /// The schema that `normalize=true` stores: attributes and aliases sorted, defaults in their type's spelling.
    ///
    /// Unlike the original, a default is never dropped, and normalising never fails on one.
    pub fn normalized(&self) -> Result<Self, SchemaError> {
        Ok(normalize::normalize(self))
    }

    /// The Parsing Canonical Form of the Avro specification; everything is spelt out at its first use.
    pub fn parsing_canonical_form(&self) -> String {
        fingerprint::parsing_canonical_form(self)
    }

    /// CRC-64-AVRO of the Parsing Canonical Form. Single-object encoding writes it little-endian.
    pub fn fingerprint_rabin(&self) -> u64 {
        fingerprint::rabin(self.parsing_canonical_form().as_bytes())
    }

    /// MD5 of the Parsing Canonical Form.
    pub fn fingerprint_md5(&self) -> [u8; 16] {
        fingerprint::md5(self.parsing_canonical_form().as_bytes())
    }

    /// SHA-256 of the Parsing Canonical Form.
    pub fn fingerprint_sha256(&self) -> [u8; 32] {
        fingerprint::sha256(self.parsing_canonical_form().as_bytes())
    }

    /// Whether the two are the same version of a subject: equal structure, attributes in any order, docs, alias sets and
    /// enum defaults. `error` and `record` are the same.
    pub fn equivalent(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || equality::equivalent(self, other)
    }

    /// The node of the whole text.
    pub fn root(&self) -> NodeId {
        self.0.root
    }

    /// A node of this schema. Panics on the id of another, larger schema.
    pub fn node(&self, id: NodeId) -> &Node {
        self.0.nodes.get(id)
    }

    /// Nodes in the arena, unused types of references included.
    pub fn node_count(&self) -> usize {
        self.0.nodes.0.len()
    }

    /// The ids of all nodes, in the order they were read.
    pub(super) fn node_ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.node_count()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// The root's full name, when it has one.
    pub fn full_name(&self) -> Option<&str> {
        self.node(self.root()).name().map(super::Name::full)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Schema").field(&self.canonical()).finish()
    }
}
