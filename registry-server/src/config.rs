//! Settings of the rules. The server's own (listeners, limits of the transport) are in [`crate::ServeOptions`].

use assay_schema_core::CompatibilityLevel;

/// What an operator may change about the rules. Names in parentheses are the familiar settings.
#[derive(Debug, Clone)]
pub struct RegistryConfig {
    /// Level where no scope sets one (`schema.compatibility.level`). Default `BACKWARD`.
    pub compatibility_level: CompatibilityLevel,
    /// Whether modes can be changed (`mode.mutability`). Default `true`.
    pub mode_mutability: bool,
    /// Whether reserved fields are checked where no scope says so (`schema.validate.fields`). Default `false`.
    pub validate_fields: bool,
    /// Whether new schemas are parsed strictly where no scope says so (`schema.validate.new.schemas`). Default `true`.
    pub validate_new_schemas: bool,
    /// Shown by `/v1/metadata/id` (`schema.registry.group.id`). Default `schema-registry`.
    pub group_id: String,
    /// Page size of `GET /schemas` when none is asked for (`schema.search.default.limit`). Default 1000.
    pub schema_search_limit_default: usize,
    /// Largest page of `GET /schemas` (`schema.search.max.limit`). Default 1000.
    pub schema_search_limit_max: usize,
    /// Longest accepted schema text, bytes. Default 1 MiB.
    pub schema_bytes_max: usize,
    /// Memory for parsed and rendered schemas, bytes, approximately. Default 64 MiB.
    pub cache_bytes_max: u64,
}

impl Default for RegistryConfig {
    fn default() -> Self {
        Self {
            compatibility_level: CompatibilityLevel::Backward,
            mode_mutability: true,
            validate_fields: false,
            validate_new_schemas: true,
            group_id: "schema-registry".to_owned(),
            schema_search_limit_default: 1000,
            schema_search_limit_max: 1000,
            schema_bytes_max: 1 << 20,
            cache_bytes_max: 64 << 20,
        }
    }
}
