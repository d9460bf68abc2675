//! What the registry and its users expect in the manifest of a published package.

use cargo_metadata::{Dependency, DependencyKind, Package};

/// The start of the repository's address until the project has one.
const PLACEHOLDER: &str = "https://github.com/example/";

/// The registry takes no more keywords and categories than this.
const MOST: usize = 5;

/// Returns what is wrong with the manifest of `package`.
pub(crate) fn faults(package: &Package) -> Vec<String> {
    let mut faults = Vec::new();
    let set = [
        ("description", package.description.is_some()),
        ("license", package.license.is_some()),
        ("repository", package.repository.is_some()),
        ("readme", package.readme.is_some()),
        ("rust-version", package.rust_version.is_some()),
    ];
    faults.extend(set.iter().filter(|(_, is_set)| !is_set).map(|(key, _)| format!("no `{key}`")));
    for (key, values) in [("keywords", &package.keywords), ("categories", &package.categories)] {
        if !(1..=MOST).contains(&values.len()) {
            faults.push(format!("{} `{key}`: name 1 to {MOST}", values.len()));
        }
    }
    // docs.rs builds the default features for its own host.
    let depends_on_build =
        !package.features.is_empty() || package.dependencies.iter().any(|one| one.target.is_some());
    if depends_on_build && package.metadata.pointer("/docs/rs").is_none() {
        faults.push(
            "no [package.metadata.docs.rs], which says with what features and for what target to document"
                .to_owned(),
        );
    }
    let unversioned = package.dependencies.iter().filter(|one| is_unversioned(one));
    faults.extend(unversioned.map(|one| format!("the dependency {} has a path and no version", one.name)));
    faults
}

/// Whether `repository` is a placeholder.
pub(crate) fn is_placeholder(package: &Package) -> bool {
    package.repository.as_ref().is_some_and(|address| address.starts_with(PLACEHOLDER))
}

/// Whether the registry would not know which version is meant. Cargo leaves such dependencies of tests out.
fn is_unversioned(dependency: &Dependency) -> bool {
    let any = dependency.req.comparators.is_empty();
    dependency.path.is_some() && any && dependency.kind != DependencyKind::Development
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A package with all that it needs, but for the fields of `changes`.
    fn package(changes: Value) -> Package {
        let mut fields = json!({
            "name": "a", "version": "1.0.0", "id": "a", "manifest_path": "a/Cargo.toml", "targets": [],
            "features": {}, "dependencies": [], "metadata": null,
            "description": "A.", "license": "MIT", "repository": "https://example.org/a", "readme": "README.md",
            "rust_version": "1.88", "keywords": ["grpc"], "categories": ["wasm"],
        });
        let Value::Object(changes) = changes else { panic!("the changes are an object") };
        fields.as_object_mut().unwrap().extend(changes);
        serde_json::from_value(fields).unwrap()
    }

    fn faults_with(changes: Value) -> Vec<String> {
        faults(&package(changes))
    }

    fn dependency(changes: Value) -> Value {
        let mut fields = json!({ "name": "b", "req": "*", "kind": null, "optional": false, "uses_default_features": true, "features": [] });
        let Value::Object(changes) = changes else { panic!("the changes are an object") };
        fields.as_object_mut().unwrap().extend(changes);
        json!({ "dependencies": [fields] })
    }

    #[test]
    fn a_complete_manifest_has_no_faults() {
        assert_eq!(faults_with(json!({})), [""; 0]);
    }

    #[test]
    fn each_missing_field_is_a_fault() {
        for key in ["description", "license", "repository", "readme", "rust_version"] {
            let faults = faults_with(json!({ key: null }));
            assert_eq!(faults, [format!("no `{}`", key.replace('_', "-"))]);
        }
    }

    #[test]
    fn keywords_and_categories_are_one_to_five() {
        for key in ["keywords", "categories"] {
            for wrong in [&[""; 0][..], &["a", "b", "c", "d", "e", "f"]] {
                let faults = faults_with(json!({ key: wrong }));
                assert_eq!(faults, [format!("{} `{key}`: name 1 to 5", wrong.len())]);
            }
        }
    }

    #[test]
    fn a_package_with_features_or_targets_says_how_to_document_it() {
        let with_feature = json!({ "features": { "tls": [] } });
        assert_eq!(faults_with(with_feature).len(), 1);
        let for_target = json!({ "req": "^1", "target": "cfg(unix)" });
        assert_eq!(faults_with(dependency(for_target)).len(), 1);
        let documented =
            json!({ "features": { "tls": [] }, "metadata": { "docs": { "rs": { "all-features": true } } } });
        assert_eq!(faults_with(documented), [""; 0]);
    }

    #[test]
    fn a_path_needs_a_version_except_for_tests() {
        assert_eq!(faults_with(dependency(json!({ "path": "/b" }))).len(), 1);
        assert_eq!(faults_with(dependency(json!({ "path": "/b", "req": "^1" }))), [""; 0]);
        assert_eq!(faults_with(dependency(json!({ "path": "/b", "kind": "dev" }))), [""; 0]);
    }

    #[test]
    fn a_placeholder_is_known_by_its_start() {
        assert!(is_placeholder(&package(json!({ "repository": "https://github.com/example/drawbridge" }))));
        assert!(!is_placeholder(&package(json!({}))));
    }
}
