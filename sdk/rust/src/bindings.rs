//! The contract as Rust, made from `wit/` by wit-bindgen. No logic, and nothing here is named by a plugin: the modules beside
//! this one re-export what an author needs.

/// World `bulk-connector-plugin`, which is `connector-plugin` and sets of writes, and the types that all worlds share.
pub mod connector {
    wit_bindgen::generate!({
        world: "bulk-connector-plugin",
        path: "../../wit",
        generate_all,
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_connector",
        default_bindings_module: "ferry_sdk::bindings::connector",
    });
}

/// World `mapper-plugin`.
pub mod mapper {
    wit_bindgen::generate!({
        world: "mapper-plugin",
        path: "../../wit",
        with: { "ferry:crm/types@0.1.0": crate::bindings::connector::ferry::crm::types },
        generate_unused_types: true,
        additional_derives: [PartialEq, Eq],
        pub_export_macro: true,
        export_macro_name: "export_mapper",
        default_bindings_module: "ferry_sdk::bindings::mapper",
    });
}
