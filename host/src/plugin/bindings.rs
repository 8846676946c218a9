//! The contract as wasmtime sees it, generated from `wit/`. Only this folder names these types.
#![allow(unreachable_pub, reason = "generated code is public throughout")]
#![allow(clippy::all, clippy::unwrap_used, reason = "generated code")]

pub(super) mod connector {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "bulk-connector-plugin",
        imports: {
            "ferry:crm/http": async | trappable,
            "ferry:crm/log": trappable,
            "ferry:crm/signature": trappable,
        },
        exports: { default: async },
    });
}

pub(super) mod mapper {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "mapper-plugin",
        exports: { default: async },
        with: { "ferry:crm/types": super::connector::ferry::crm::types },
    });
}

pub(super) use connector::ferry::crm::types;
