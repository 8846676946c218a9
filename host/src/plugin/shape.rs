//! What a component is made of: its sections, imports, exports and custom sections. Reads bytes; decides nothing.

use std::collections::BTreeSet;

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::{Types, TypesRef};
use wasmparser::{BinaryReader, Parser, Payload, ValidPayload, Validator};

/// How deep components may lie in components. Toolchains use two levels.
const MAX_DEPTH: u32 = 8;

/// The id of a custom section, in modules and components alike.
const CUSTOM: u8 = 0;
/// The ids of the sections of a component that hold a whole module or component.
const CORE_MODULE: u8 = 1;
const COMPONENT: u8 = 4;

/// The bytes before the first section: the magic number, the version and the layer.
const HEADER: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Component,
    CoreModule,
    /// It begins like WebAssembly and ends before one can tell more.
    Cut,
    Foreign,
}

pub(super) fn encoding(bytes: &[u8]) -> Encoding {
    const MAGIC: &[u8] = b"\0asm";
    if Parser::is_component(bytes) {
        Encoding::Component
    } else if Parser::is_core_wasm(bytes) {
        Encoding::CoreModule
    } else if !bytes.is_empty() && bytes.len() < HEADER && bytes.iter().zip(MAGIC).all(|(have, want)| have == want) {
        Encoding::Cut
    } else {
        Encoding::Foreign
    }
}

/// A custom section, wherever it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Custom<'a> {
    /// 0 for the sections of the file itself, 1 for those of a module or component inside, and so on.
    pub(super) depth: u32,
    /// Where the section begins and ends in what holds it.
    pub(super) place: std::ops::Range<usize>,
    pub(super) name: &'a str,
    pub(super) data: &'a [u8],
}

/// The walk ran into the end of the bytes, or into a section that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// The custom sections of a component or module and of what lies inside; nothing else is looked at.
pub(super) fn custom_sections(bytes: &[u8]) -> Result<Vec<Custom<'_>>, Broken> {
    let mut found = Vec::new();
    collect(bytes, 0, &mut found)?;
    Ok(found)
}

fn collect<'a>(bytes: &'a [u8], depth: u32, found: &mut Vec<Custom<'a>>) -> Result<(), Broken> {
    if depth > MAX_DEPTH {
        return Err(Broken);
    }
    let within_component = Parser::is_component(bytes);
    let mut reader = BinaryReader::new(bytes.get(HEADER..).ok_or(Broken)?, 0);
    while !reader.eof() {
        let begin = HEADER + reader.current_position();
        let (id, content) = section(&mut reader).map_err(|_| Broken)?;
        match id {
            CUSTOM => {
                let mut section = BinaryReader::new(content, 0);
                let name = section.read_string().map_err(|_| Broken)?;
                let data = content.get(section.current_position()..).ok_or(Broken)?;
                let place = begin..HEADER + reader.current_position();
                found.push(Custom { depth, place, name, data });
            }
            CORE_MODULE | COMPONENT if within_component => collect(content, depth + 1, found)?,
            _ => {}
        }
    }
    Ok(())
}

fn section<'a>(reader: &mut BinaryReader<'a>) -> wasmparser::Result<(u8, &'a [u8])> {
    let id = reader.read_u8()?;
    let size = reader.read_var_u32()?;
    Ok((id, reader.read_bytes(size as usize)?))
}

/// `bytes` with one more custom section at its end.
pub(super) fn with_custom_section(mut bytes: Vec<u8>, name: &str, data: &[u8]) -> Vec<u8> {
    let mut content = Vec::with_capacity(name.len() + data.len() + 5);
    leb(&mut content, name.len());
    content.extend_from_slice(name.as_bytes());
    content.extend_from_slice(data);
    bytes.push(CUSTOM);
    leb(&mut bytes, content.len());
    bytes.extend_from_slice(&content);
    bytes
}

fn leb(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// An import or export of a component, and the functions and resources in it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Face {
    /// As in `ferry:crm/http@0.1.0`.
    pub name: String,
    /// Names of functions, in the order of the component.
    pub functions: Vec<String>,
    pub resources: Vec<String>,
    /// It is an instance, as every interface of WIT is.
    pub interface: bool,
}

impl Face {
    /// Whether it holds types only, so that nothing is called through it.
    pub fn only_types(&self) -> bool {
        self.interface && self.functions.is_empty() && self.resources.is_empty()
    }
}

/// The faces of a component, from its types. Function bodies are left to the compiler, which checks them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Faces {
    pub(super) imports: Vec<Face>,
    pub(super) exports: Vec<Face>,
}

pub(super) fn faces(bytes: &[u8]) -> wasmparser::Result<Faces> {
    let mut validator = Validator::new();
    let (mut imports, mut exports) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0_u32;
    let mut types: Option<Types> = None;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload?;
        match &payload {
            Payload::Version { .. } => depth += 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section.clone() {
                    imports.insert(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section.clone() {
                    exports.insert(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
        if let ValidPayload::End(done) = validator.payload(&payload)? {
            depth = depth.saturating_sub(1);
            types = Some(done);
        }
    }
    let Some(types) = types else { return Ok(Faces { imports: Vec::new(), exports: Vec::new() }) };
    let types = types.as_ref();
    let describe = |names: BTreeSet<String>, of: fn(&TypesRef<'_>, &str) -> Option<ComponentEntityType>| {
        names.into_iter().map(|name| face(types, of(&types, &name), name)).collect()
    };
    Ok(Faces {
        imports: describe(imports, |types, name| types.component_item_for_import(name).map(|item| item.ty)),
        exports: describe(exports, |types, name| types.component_item_for_export(name).map(|item| item.ty)),
    })
}

fn face(types: TypesRef<'_>, entity: Option<ComponentEntityType>, name: String) -> Face {
    let mut face = Face { name, functions: Vec::new(), resources: Vec::new(), interface: false };
    match entity {
        Some(ComponentEntityType::Instance(id)) => {
            face.interface = true;
            for (item, ty) in &types[id].exports {
                match &ty.ty {
                    ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(_), .. } => {
                        face.resources.push(item.clone());
                    }
                    ComponentEntityType::Type { .. } => {}
                    _ => face.functions.push(item.clone()),
                }
            }
        }
        Some(ComponentEntityType::Type { .. }) => face.interface = true,
        _ => face.functions.push(face.name.clone()),
    }
    face
}
