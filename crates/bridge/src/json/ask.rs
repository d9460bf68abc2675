//! Asks a server for the contract of a service, by its reflection.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use drawbridge_json::Schema;
use futures_util::stream;
use http::uri::PathAndQuery;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tonic::client::Grpc;
use tonic::{Code, Status, Streaming};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::reflection::{V1_PATH, V1ALPHA_PATH};
use crate::upstream::{Pool, PoolChannel};

/// How long a server may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The limits of an answer: its files together, in bytes, and their number.
const MAX_BYTES: usize = 16 * 1024 * 1024;
const MAX_FILES: usize = 2000;

/// What is needed of a file to ask for its imports.
#[derive(Clone, PartialEq, prost::Message)]
struct FileHead {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, repeated, tag = "3")]
    dependency: Vec<String>,
}

/// Asks a server of the pool for the file of a service and all that it imports. All questions are in one stream, so that one server
/// answers them. They have no metadata of any caller: all callers share the answer.
///
/// # Errors
///
/// Returns the status of the call, or that in its response. UNIMPLEMENTED: the server has no reflection.
pub(super) async fn ask(pool: &Arc<Pool>, service: &str) -> Result<Schema, Status> {
    let asked = async {
        match ask_as(V1_PATH, pool, service).await {
            Err(status) if status.code() == Code::Unimplemented => ask_as(V1ALPHA_PATH, pool, service).await,
            result => result,
        }
    };
    match timeout(TIMEOUT, asked).await {
        Ok(result) => result,
        Err(_) => Err(Status::deadline_exceeded("reflection took longer than 5 s")),
    }
}

async fn ask_as(path: PathAndQuery, pool: &Arc<Pool>, service: &str) -> Result<Schema, Status> {
    let (questions, mut receiver) = mpsc::channel(1);
    let ask = |request| ServerReflectionRequest { host: String::new(), message_request: Some(request) };
    // Cannot fail: there is room for one question, and the receiver is here.
    drop(questions.try_send(ask(MessageRequest::FileContainingSymbol(service.to_owned()))));
    let codec = ProstCodec::<ServerReflectionRequest, ServerReflectionResponse>::default();
    let mut client = Grpc::new(PoolChannel::new(pool)).max_decoding_message_size(MAX_BYTES);
    let mut request = tonic::Request::new(stream::poll_fn(move |cx| receiver.poll_recv(cx)));
    request.set_timeout(TIMEOUT);
    let mut answers = client.streaming(request, path, codec).await?.into_inner();

    let mut files = Files::default();
    files.add(next(&mut answers).await?)?;
    while let Some(name) = files.wanted.pop() {
        let question = ask(MessageRequest::FileByFilename(name));
        questions
            .send(question)
            .await
            .map_err(|_| Status::unavailable("the stream of reflection has ended"))?;
        match next(&mut answers).await {
            Ok(answer) => files.add(answer)?,
            // Imports of custom options may be missing, and are not needed.
            Err(status) if status.code() == Code::NotFound => {}
            Err(status) => return Err(status),
        }
    }
    drop(questions);
    // The end of the stream, so that it is not reset.
    while let Ok(Some(_)) = answers.message().await {}
    Schema::from_files(files.encoded).map_err(|error| Status::internal(error.to_string()))
}

/// Reads the answer to one question: encoded files.
async fn next(answers: &mut Streaming<ServerReflectionResponse>) -> Result<Vec<Vec<u8>>, Status> {
    let ended = || Status::unavailable("the stream of reflection has ended");
    match answers.message().await?.ok_or_else(ended)?.message_response {
        Some(MessageResponse::FileDescriptorResponse(files)) => Ok(files.file_descriptor_proto),
        Some(MessageResponse::ErrorResponse(error)) => {
            Err(Status::new(Code::from_i32(error.error_code), error.error_message))
        }
        _ => Err(Status::internal("the answer of reflection has no files")),
    }
}

/// The files that were answered, and the names of those to ask for.
#[derive(Default)]
struct Files {
    encoded: Vec<Vec<u8>>,
    bytes: usize,
    /// The names of files that are there or were asked for.
    known: HashSet<String>,
    wanted: Vec<String>,
}

impl Files {
    fn add(&mut self, files: Vec<Vec<u8>>) -> Result<(), Status> {
        let mut imported = Vec::new();
        for file in files {
            let head = FileHead::decode(&*file)
                .map_err(|error| Status::internal(format!("reflection answered no descriptor: {error}")))?;
            self.bytes += file.len();
            imported.extend(head.dependency);
            // It may have been asked for, and come with another file before.
            self.wanted.retain(|name| *name != head.name);
            self.known.insert(head.name);
            self.encoded.push(file);
        }
        for name in imported {
            if self.known.insert(name.clone()) {
                self.wanted.push(name);
            }
        }
        if self.bytes > MAX_BYTES || self.known.len() > MAX_FILES {
            return Err(Status::resource_exhausted(
                "the contract has more than 2,000 files or 16 MiB of descriptors",
            ));
        }
        Ok(())
    }
}
