//! The order of the top-level modules of `crates/bridge`.

use std::path::{Component, Path};

use super::arrows::Arrow;
use super::tree::Tree;

/// The root of the crate that has layers.
pub(super) const ROOT: &str = "crates/bridge/src/lib.rs";

/// A top-level module.
struct Layer {
    name: &'static str,
    /// The modules right below it. It may use them, and all that they may use.
    uses: &'static [&'static str],
    why: &'static str,
}

/// Every top-level module, from the top down.
///
/// A new module gets an entry here. A wrong arrow is mended by moving the item that it leads to: into the user, into a module
/// below both, or into `drawbridge-core` when it does no I/O.
const LAYERS: &[Layer] = &[
    Layer {
        name: "bridge",
        uses: &["console", "json", "reflection", "refusal", "web"],
        why: "it assembles the stack of all others, and nothing depends on the assembly",
    },
    Layer {
        name: "console",
        uses: &["upstream", "web"],
        why: "it shows calls and services to callers that the host policy of `web` allows, and nothing but the assembly knows it",
    },
    Layer {
        name: "json",
        uses: &["method_kinds", "method_pattern", "query_message", "reflection", "upstream"],
        why: "it translates calls for what is hosted and forwarded, and asks upstreams under the names of reflection",
    },
    Layer {
        name: "reflection",
        uses: &["upstream", "hosted_services"],
        why: "it is a service that asks hosted services and upstreams, which do not know it",
    },
    Layer {
        name: "upstream",
        uses: &["client", "random", "tls", "tcp"],
        why: "it forwards calls with what clients share: propagation and retries",
    },
    Layer {
        name: "client",
        uses: &["call", "random"],
        why: "its layers read the current call, and work with any channel",
    },
    Layer {
        name: "serve",
        uses: &["call", "peer", "tcp", "tls"],
        why: "it accepts connections for any HTTP service, and aborts the open calls when it stops",
    },
    Layer {
        name: "call",
        uses: &["body", "peer", "random", "service"],
        why: "the CALL layer works alone, on any tonic server: it knows neither transports, gRPC-Web, nor who hosts it",
    },
    Layer {
        name: "refusal",
        uses: &["connect"],
        why: "it refuses requests in each form in which calls come, and no form knows it",
    },
    Layer {
        name: "connect",
        uses: &["web", "query_message", "safe_methods"],
        why: "Connect is a form of calls like gRPC-Web, whose body joins what is ready at one time: `connect` and `call` never meet",
    },
    Layer {
        name: "safe_methods",
        uses: &["method_kinds", "method_pattern"],
        why: "descriptors and patterns say together which methods may be called with GET",
    },
    Layer {
        name: "web",
        uses: &["body", "method_kinds", "plain_response", "service"],
        why: "gRPC-Web, its request rules and CORS work alone, in front of any gRPC service: `web` and `call` never meet",
    },
    Layer {
        name: "in_process",
        uses: &["service"],
        why: "it is a channel to any service, and knows nothing of the stack",
    },
    Layer { name: "hosted_services", uses: &["service"], why: LEAF },
    Layer { name: "body", uses: &[], why: LEAF },
    Layer { name: "method_kinds", uses: &[], why: LEAF },
    Layer { name: "method_pattern", uses: &[], why: LEAF },
    Layer { name: "peer", uses: &[], why: LEAF },
    Layer { name: "plain_response", uses: &[], why: LEAF },
    Layer { name: "query_message", uses: &[], why: LEAF },
    Layer { name: "random", uses: &[], why: LEAF },
    Layer { name: "service", uses: &[], why: LEAF },
    Layer { name: "tcp", uses: &[], why: LEAF },
    Layer { name: "tls", uses: &[], why: LEAF },
];

const LEAF: &str = "it is a part that several layers share, and uses none of them";

/// Returns a text for each arrow that `LAYERS` does not allow.
pub(super) fn check(tree: &Tree, arrows: &[Arrow]) -> Vec<String> {
    let mut faults = Vec::new();
    for arrow in arrows {
        let (from, to) = (&tree.files[arrow.from], &tree.files[arrow.to]);
        let (Some(module), Some(used)) = (module_of(from), module_of(to)) else { continue };
        if module == used {
            continue;
        }
        let place = format!("{}:{}", from.display(), arrow.line);
        let missing = [module, used].into_iter().find(|name| find(name).is_none());
        if let Some(missing) = missing {
            faults.push(format!("{place}: `{missing}` is missing in LAYERS of {}", file!()));
        } else if let Some(layer) = find(module).filter(|layer| !may_use(layer, used)) {
            faults.push(format!(
                "{place}: `{module}` must not use `{}` of `{used}`, but only {}: {}",
                arrow.name,
                allowed(layer),
                layer.why,
            ));
        }
    }
    faults
}

fn may_use(layer: &Layer, name: &str) -> bool {
    layer.uses.iter().any(|below| *below == name || find(below).is_some_and(|below| may_use(below, name)))
}

fn allowed(layer: &Layer) -> String {
    let names: Vec<_> = LAYERS
        .iter()
        .filter(|other| may_use(layer, other.name))
        .map(|other| format!("`{}`", other.name))
        .collect();
    if names.is_empty() { "other crates".to_owned() } else { names.join(", ") }
}

fn find(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|layer| layer.name == name)
}

/// Returns the top-level module that a file belongs to. The crate's root belongs to none.
fn module_of(file: &Path) -> Option<&str> {
    let inside = file.strip_prefix(Path::new(ROOT).parent()?).ok()?;
    match inside.components().next()? {
        Component::Normal(first) => Path::new(first).file_stem()?.to_str().filter(|name| *name != "lib"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_layer_uses_layers_that_stand_below_it_in_the_list() {
        for (position, layer) in LAYERS.iter().enumerate() {
            for used in layer.uses {
                let below = LAYERS[position + 1..].iter().any(|other| other.name == *used);
                assert!(below, "`{used}` does not stand below `{}`", layer.name);
            }
        }
    }
}
