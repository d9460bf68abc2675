//! The suite's service. Each request defines its response.

use std::time::Duration;

use drawbridge::{CallContext, OnCallEnd};
use drawbridge_conformance_contract::v1;
use drawbridge_conformance_contract::v1::ConformancePayload;
use drawbridge_conformance_contract::v1::conformance_payload::RequestInfo;
use drawbridge_conformance_contract::v1::conformance_service_server::ConformanceService;
use drawbridge_conformance_contract::v1::unary_response_definition::Response as UnaryAnswer;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use prost::Name;
use prost_types::Any;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};

use crate::reply::{metadata, request_info, status};

/// The service.
pub(crate) struct Conformance;

type Answers<T> = Result<Response<BoxStream<'static, Result<T, Status>>>, Status>;

#[tonic::async_trait]
impl ConformanceService for Conformance {
    type ServerStreamStream = BoxStream<'static, Result<v1::ServerStreamResponse, Status>>;
    type BidiStreamStream = BoxStream<'static, Result<v1::BidiStreamResponse, Status>>;

    async fn unary(&self, request: Request<v1::UnaryRequest>) -> Result<Response<v1::UnaryResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let info = request_info(&metadata, vec![any(&message)?]);
        let (payload, metadata) = single(message.response_definition, info).await?;
        Ok(with_metadata(v1::UnaryResponse { payload: Some(payload) }, metadata))
    }

    async fn idempotent_unary(
        &self,
        request: Request<v1::IdempotentUnaryRequest>,
    ) -> Result<Response<v1::IdempotentUnaryResponse>, Status> {
        let (metadata, _, message) = request.into_parts();
        let info = request_info(&metadata, vec![any(&message)?]);
        let (payload, metadata) = single(message.response_definition, info).await?;
        Ok(with_metadata(v1::IdempotentUnaryResponse { payload: Some(payload) }, metadata))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<v1::ClientStreamRequest>>,
    ) -> Result<Response<v1::ClientStreamResponse>, Status> {
        let (metadata, _, mut messages) = request.into_parts();
        let mut requests = Vec::new();
        let mut definition = None;
        while let Some(message) = messages.message().await? {
            if requests.is_empty() {
                definition.clone_from(&message.response_definition);
            }
            requests.push(any(&message)?);
        }
        let (payload, metadata) = single(definition, request_info(&metadata, requests)).await?;
        Ok(with_metadata(v1::ClientStreamResponse { payload: Some(payload) }, metadata))
    }

    async fn server_stream(
        &self,
        request: Request<v1::ServerStreamRequest>,
    ) -> Answers<v1::ServerStreamResponse> {
        let (metadata, _, message) = request.into_parts();
        let info = request_info(&metadata, vec![any(&message)?]);
        let script = Script::new(message.response_definition.unwrap_or_default(), info)?;
        let headers = script.headers.clone();
        let answers = script
            .play()
            .map(|payload| payload.map(|payload| v1::ServerStreamResponse { payload: Some(payload) }));
        Ok(with_metadata(answers.boxed(), headers))
    }

    async fn bidi_stream(
        &self,
        request: Request<Streaming<v1::BidiStreamRequest>>,
    ) -> Answers<v1::BidiStreamResponse> {
        let (metadata, _, mut messages) = request.into_parts();
        let Some(first) = messages.message().await? else {
            return Ok(Response::new(futures_util::stream::empty().boxed()));
        };
        let definition = first.response_definition.clone().unwrap_or_default();
        let mut requests = vec![any(&first)?];
        let (headers, payloads) = if first.full_duplex {
            let script = Script::new(definition, request_info(&metadata, requests))?;
            (script.headers.clone(), script.converse(messages))
        } else {
            while let Some(message) = messages.message().await? {
                requests.push(any(&message)?);
            }
            let script = Script::new(definition, request_info(&metadata, requests))?;
            (script.headers.clone(), script.play())
        };
        let answers =
            payloads.map(|payload| payload.map(|payload| v1::BidiStreamResponse { payload: Some(payload) }));
        Ok(with_metadata(answers.boxed(), headers))
    }

    async fn unimplemented(
        &self,
        _: Request<v1::UnimplementedRequest>,
    ) -> Result<Response<v1::UnimplementedResponse>, Status> {
        Err(Status::unimplemented("this method is not implemented on purpose"))
    }
}

fn any<M: Name>(message: &M) -> Result<Any, Status> {
    Any::from_msg(message).map_err(|error| Status::internal(error.to_string()))
}

fn with_metadata<T>(answer: T, metadata: MetadataMap) -> Response<T> {
    Response::from_parts(metadata, answer, tonic::Extensions::new())
}

/// Returns the one payload of a response, or an error.
async fn single(
    definition: Option<v1::UnaryResponseDefinition>,
    info: RequestInfo,
) -> Result<(ConformancePayload, MetadataMap), Status> {
    let definition = definition.unwrap_or_default();
    let headers = metadata(&definition.response_headers)?;
    let trailers = metadata(&definition.response_trailers)?;
    tokio::time::sleep(Duration::from_millis(definition.response_delay_ms.into())).await;
    let data = match definition.response {
        Some(UnaryAnswer::Error(error)) => return Err(failure(error, Some(info), headers, trailers)),
        Some(UnaryAnswer::ResponseData(data)) => data,
        None => Vec::new(),
    };
    set_trailers(trailers);
    Ok((ConformancePayload { data, request_info: Some(info) }, headers))
}

fn set_trailers(trailers: MetadataMap) {
    if let Some(call) = CallContext::current() {
        call.set_trailers(trailers);
    }
}

/// Returns a status without messages before it, which carries both headers and trailers.
fn failure(
    error: v1::Error,
    info: Option<RequestInfo>,
    headers: MetadataMap,
    trailers: MetadataMap,
) -> Status {
    let mut all = headers.into_headers();
    let trailers = trailers.into_headers();
    for (name, value) in &trailers {
        all.append(name, value.clone());
    }
    status(error, info, MetadataMap::from_headers(all))
}

/// The definition of a response stream.
struct Script {
    headers: MetadataMap,
    trailers: MetadataMap,
    data: std::vec::IntoIter<Vec<u8>>,
    delay: Duration,
    error: Option<v1::Error>,
    /// The description of the request, until it is sent.
    info: Option<RequestInfo>,
}

impl Script {
    fn new(definition: v1::StreamResponseDefinition, info: RequestInfo) -> Result<Self, Status> {
        Ok(Self {
            headers: metadata(&definition.response_headers)?,
            trailers: metadata(&definition.response_trailers)?,
            data: definition.response_data.into_iter(),
            delay: Duration::from_millis(definition.response_delay_ms.into()),
            error: definition.error,
            info: Some(info),
        })
    }

    /// Returns the next payload, or `None` after the last one.
    async fn next(&mut self) -> Option<ConformancePayload> {
        let data = self.data.next()?;
        tokio::time::sleep(self.delay).await;
        Some(ConformancePayload { data, request_info: self.info.take() })
    }

    /// Returns the status at the end of the stream.
    fn end(self) -> Result<(), Status> {
        if let Some(error) = self.error {
            return Err(status(error, self.info, self.trailers));
        }
        set_trailers(self.trailers);
        Ok(())
    }

    /// Sends all payloads, and then the status.
    fn play(mut self) -> BoxStream<'static, Result<ConformancePayload, Status>> {
        let (answers, stream) = mpsc::channel(1);
        in_call(async move {
            while let Some(payload) = self.next().await {
                if answers.send(Ok(payload)).await.is_err() {
                    return;
                }
            }
            if let Err(status) = self.end() {
                let _ = answers.send(Err(status)).await;
            }
        });
        ReceiverStream::new(stream).boxed()
    }

    /// Sends a payload for each request message, of which the first was already read, then the remaining payloads and the
    /// status.
    fn converse(
        mut self,
        mut messages: Streaming<v1::BidiStreamRequest>,
    ) -> BoxStream<'static, Result<ConformancePayload, Status>> {
        let (answers, stream) = mpsc::channel(1);
        in_call(async move {
            loop {
                let Some(payload) = self.next().await else { break };
                if answers.send(Ok(payload)).await.is_err() {
                    return;
                }
                match messages.message().await {
                    Ok(Some(message)) => {
                        let requests = any(&message).into_iter().collect();
                        self.info = Some(RequestInfo { requests, ..RequestInfo::default() });
                    }
                    // The remaining payloads are sent without further requests.
                    Ok(None) => {}
                    Err(status) => {
                        let _ = answers.send(Err(status)).await;
                        return;
                    }
                }
            }
            if let Err(status) = self.end() {
                let _ = answers.send(Err(status)).await;
            }
        });
        ReceiverStream::new(stream).boxed()
    }
}

/// Runs a task that produces the response of the current call, and ends with the call.
fn in_call(work: impl Future<Output = ()> + Send + 'static) {
    if let Some(call) = CallContext::current() {
        call.spawn(OnCallEnd::Abort, work);
    }
}
