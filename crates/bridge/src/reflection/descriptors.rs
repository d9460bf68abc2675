//! The descriptors of hosted services.

use std::collections::{BTreeMap, BTreeSet};

use prost::{DecodeError, Message as _};
use prost_types::FileDescriptorProto;

use super::protocol::V1;
use crate::hosted_services::HostedServices;

/// A `FileDescriptorSet` whose files stay encoded: decoding them would lose options that are not known here.
#[derive(Clone, PartialEq, prost::Message)]
struct RawFiles {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

/// Returns a reflection service for the hosted services among those in the encoded sets. An upstream may have another version
/// of the others.
///
/// # Errors
///
/// Returns an error if a set cannot be decoded.
pub(super) fn reflection<'a>(
    sets: impl IntoIterator<Item = &'a [u8]>,
    hosted: &BTreeSet<&'static str>,
) -> Result<HostedServices, tonic_reflection::server::Error> {
    let files = files(sets, hosted)?.encode_to_vec();
    let service = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(&files)
        .include_reflection_service(false)
        .build_v1()?;
    let mut services = HostedServices::default();
    services.add(V1, service);
    Ok(services)
}

/// Returns the files that define hosted services, and those that they import.
fn files<'a>(
    sets: impl IntoIterator<Item = &'a [u8]>,
    hosted: &BTreeSet<&'static str>,
) -> Result<RawFiles, DecodeError> {
    let mut known = BTreeMap::new();
    for set in sets {
        for raw in RawFiles::decode(set)?.file {
            let file = FileDescriptorProto::decode(&*raw)?;
            known.entry(file.name().to_owned()).or_insert((file, raw));
        }
    }
    let hosts = |file: &FileDescriptorProto| {
        let mut services = file.service.iter().map(|service| full_name(file.package(), service.name()));
        services.any(|name| hosted.contains(&*name))
    };
    let mut wanted: Vec<_> =
        known.values().filter(|(file, _)| hosts(file)).map(|(file, _)| file.name().to_owned()).collect();
    let mut files = RawFiles::default();
    while let Some(name) = wanted.pop() {
        if let Some((file, raw)) = known.remove(&name) {
            wanted.extend(file.dependency);
            files.file.push(raw);
        }
    }
    Ok(files)
}

fn full_name(package: &str, name: &str) -> String {
    if package.is_empty() { name.to_owned() } else { format!("{package}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_hosted_services_and_their_imports_are_described() {
        let names = |hosted: &[&'static str]| -> BTreeSet<String> {
            let sets = [drawbridge_proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
            let files = files(sets, &hosted.iter().copied().collect()).unwrap().file;
            let name = |raw: &Vec<u8>| FileDescriptorProto::decode(&**raw).unwrap().name().to_owned();
            files.iter().map(name).collect()
        };
        assert_eq!(names(&[]), BTreeSet::new());
        assert_eq!(names(&["Message"]), ["message.proto".to_owned()].into());
        let frontend = names(&["frontend.FrontendService"]);
        assert!(frontend.contains("frontend.proto") && frontend.contains("user.proto"), "{frontend:?}");
        assert!(!frontend.contains("greet.proto"));
    }
}
