//! Loading: grants, the cache of compiled components, and what does not fit.

use std::path::{Path, PathBuf};

use super::guests::{Guest, grant, manifest, pack};
use crate::model::manifest::Limits;
use crate::model::mapping::{Direction, Mapper};
use crate::plugin::package;
use crate::plugin::{LoadError, Options, Plugins};

fn plugins(folder: &Path) -> Plugins {
    Plugins::new(Options { cache_dir: folder.join("compiled"), cache_key: Some([7; 32]), compiler: None })
}

/// `reads` gives no columns.
fn mapper() -> Vec<u8> {
    pack(&Guest { bodies: &[("reads", "(i32.const 64)")], ..Guest::default() }.mapper(), "mapper")
}

async fn works(plugins: &Plugins, package: &[u8]) {
    let loaded = plugins.load(package.to_vec(), &grant(package, Limits::default())).await.unwrap();
    assert_eq!(loaded.mapper().unwrap().reads("", Direction::Inbound).await, Ok(Vec::new()));
}

fn cached(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("compiled")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_plugin_is_compiled_once() {
    let folder = tempfile::tempdir().unwrap();
    let package = mapper();
    works(&plugins(folder.path()), &package).await;
    let files = cached(folder.path());
    let written = std::fs::metadata(&files[0]).unwrap().modified().unwrap();
    works(&plugins(folder.path()), &package).await;
    assert_eq!(cached(folder.path()), files);
    assert_eq!(std::fs::metadata(&files[0]).unwrap().modified().unwrap(), written);
}

#[tokio::test]
async fn a_damaged_or_foreign_compiled_file_is_never_run() {
    let folder = tempfile::tempdir().unwrap();
    let package = mapper();
    works(&plugins(folder.path()), &package).await;
    let file = cached(folder.path()).remove(0);
    let whole = std::fs::read(&file).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let sealed_by_another = {
        let other = tempfile::tempdir().unwrap();
        let options = Options { cache_dir: other.path().join("compiled"), cache_key: None, compiler: None };
        works(&Plugins::new(options), &package).await;
        std::fs::read(cached(other.path()).remove(0)).unwrap()
    };
    for bad in [flipped, whole[..100].to_vec(), Vec::new(), sealed_by_another] {
        std::fs::write(&file, bad).unwrap();
        works(&plugins(folder.path()), &package).await;
        assert_eq!(std::fs::read(&file).unwrap(), whole);
    }
}

#[tokio::test]
async fn only_the_hosts_user_may_touch_the_cache() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("compiled")).unwrap();
    works(&plugins(folder.path()), &mapper()).await;
    let mode = std::fs::metadata(folder.path().join("compiled")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[tokio::test]
async fn a_cache_that_cannot_be_written_costs_only_time() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compiled"), "a file where the folder should be").unwrap();
    works(&plugins(folder.path()), &mapper()).await;
}

#[tokio::test]
async fn a_grant_is_for_these_bytes_only() {
    let folder = tempfile::tempdir().unwrap();
    let (package, other) = (mapper(), pack(&Guest::default().mapper(), "mapper"));
    let refused = plugins(folder.path()).load(other.clone(), &grant(&package, Limits::default())).await;
    let Err(LoadError::NotGranted { granted, found }) = refused else { panic!("it was loaded") };
    assert_eq!((granted, found), (package::digest(&package), package::digest(&other)));
    assert!(!folder.path().join("compiled").exists());
}

#[tokio::test]
async fn a_component_whose_types_are_not_the_contracts_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let text = r#"(component (instance $i) (export "ferry:crm/mapper@0.1.0" (instance $i)))"#;
    let package = package::pack(&wat::parse_str(text).unwrap(), &manifest("mapper"), Path::new(".")).unwrap();
    let grant = grant(&package, Limits::default());
    let Err(error) = plugins(folder.path()).load(package, &grant).await else { panic!("it was loaded") };
    assert!(error.to_string().starts_with("plugin `test` does not fit the contract: "), "{error}");
}

#[tokio::test]
async fn a_mapper_is_not_a_connector() {
    let folder = tempfile::tempdir().unwrap();
    let package = mapper();
    let grant = grant(&package, Limits::default());
    let path = folder.path().join("mapper.ferry");
    std::fs::write(&path, &package).unwrap();
    let loaded = plugins(folder.path()).load_file(&path, &grant).await.unwrap();
    let context = crate::plugin::ConnectorContext {
        connection: "main".parse().unwrap(),
        settings: "{}".into(),
        clock: std::sync::Arc::new(crate::model::time::SystemClock),
        outbound: std::sync::Arc::new(Nowhere),
        gate: None,
        watch: None,
    };
    let Err(error) = loaded.connector(context) else { panic!("it is a connector") };
    assert_eq!(error.to_string(), "plugin `test` is a mapper, not a connector");
}

struct Nowhere;

#[async_trait::async_trait]
impl crate::model::http::Outbound for Nowhere {
    async fn send(
        &self,
        _: crate::model::http::Request,
    ) -> Result<crate::model::http::Response, crate::model::http::HttpError> {
        Err(crate::model::http::HttpError::Denied("nowhere".into()))
    }

    async fn send_all(
        &self,
        _: Vec<crate::model::http::Request>,
    ) -> Vec<Result<crate::model::http::Response, crate::model::http::HttpError>> {
        Vec::new()
    }

    fn verify_hmac_sha256(&self, _: &[u8], _: &[u8]) -> bool {
        false
    }
}
