// SPDX-License-Identifier: Apache-2.0
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};
use tonic::transport::Channel;

use crate::servers::Servers;
use crate::v1::config_service_client::ConfigServiceClient;
use crate::v1::registry_service_client::RegistryServiceClient;
use crate::v1::{
    BatchGetConfigRequest, BatchGetConfigResponse, ChangeRecord, GetConfigRequest, GetConfigResponse, GetSchemeRequest,
    GetSchemeResponse, GetTemplateRequest, GetTemplateResponse, ListCatalogsRequest, ListCatalogsResponse,
    ListChangesRequest, ListChangesResponse, ListSchemesRequest, ListSchemesResponse, ListTemplatesRequest,
    ListTemplatesResponse, LlmTemplate, RegisterSchemeRequest, RegisterSchemeResponse, RegisterTemplateRequest,
    RegisterTemplateResponse, Scheme, SetDefaultCatalogRequest, SetDefaultCatalogResponse, UnregisterSchemeRequest,
    UnregisterSchemeResponse, UnregisterTemplateRequest, UnregisterTemplateResponse,
};
use crate::{Builder, Error};

/// What a server's answer may come to.
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Calls a qconfig server.
///
/// Cheap to clone, and safe to share; one for a process is enough. Its connections end with its last clone.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    timeout: Duration,
}

#[derive(Debug)]
struct Shared {
    servers: Servers,
    tenant: String,
    catalog: String,
}

impl Client {
    /// The options, each with its default.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn new(servers: Servers, tenant: String, catalog: String, timeout: Duration) -> Self {
        Self { shared: Arc::new(Shared { servers, tenant, catalog }), timeout }
    }

    /// This client with another limit to how long one call may take with all its tries.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// Builds the configuration for one model type and scheme.
    pub async fn get_config(&self, mut request: GetConfigRequest) -> Result<GetConfigResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_config(request).await })
            .await
    }

    /// Answers up to 1,000 requests in one call. An item that fails does not touch the others.
    pub async fn batch_get_config(&self, mut request: BatchGetConfigRequest) -> Result<BatchGetConfigResponse, Error> {
        for item in &mut request.requests {
            self.fill_in(&mut item.tenant, &mut item.catalog);
        }
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { config(channel).batch_get_config(request).await },
            )
            .await
    }

    /// One page of the templates that the tenant sees.
    pub async fn list_templates(&self, mut request: ListTemplatesRequest) -> Result<ListTemplatesResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { config(channel).list_templates(request).await },
            )
            .await
    }

    /// The templates of the page that is asked for and of all that follow it, each page a call, when it is wanted.
    pub fn all_templates(
        &self,
        request: ListTemplatesRequest,
    ) -> impl Stream<Item = Result<LlmTemplate, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListTemplatesRequest { page_token, ..request.clone() });
            async move { client.list_templates(request).await.map(|page| (page.llm_templates, page.next_page_token)) }
        })
    }

    /// Reads one template.
    pub async fn get_template(&self, mut request: GetTemplateRequest) -> Result<GetTemplateResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_template(request).await })
            .await
    }

    /// One page of the schemes that the tenant sees.
    pub async fn list_schemes(&self, mut request: ListSchemesRequest) -> Result<ListSchemesResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).list_schemes(request).await })
            .await
    }

    /// The schemes of the page that is asked for and of all that follow it, each page a call, when it is wanted.
    pub fn all_schemes(
        &self,
        request: ListSchemesRequest,
    ) -> impl Stream<Item = Result<Scheme, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListSchemesRequest { page_token, ..request.clone() });
            async move { client.list_schemes(request).await.map(|page| (page.schemes, page.next_page_token)) }
        })
    }

    /// Reads one scheme.
    pub async fn get_scheme(&self, mut request: GetSchemeRequest) -> Result<GetSchemeResponse, Error> {
        self.fill_in(&mut request.tenant, &mut request.catalog);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).get_scheme(request).await })
            .await
    }

    /// The catalogues that the server has.
    pub async fn list_catalogs(&self, mut request: ListCatalogsRequest) -> Result<ListCatalogsResponse, Error> {
        self.fill_in_tenant(&mut request.tenant);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move { config(channel).list_catalogs(request).await })
            .await
    }

    /// Adds a scheme, or replaces the tenant's scheme of the same name if the request has `replace` or `etag`.
    ///
    /// The client gives each write a `request_id` if the request has none, so that retries apply it once. After
    /// UNAVAILABLE or DEADLINE_EXCEEDED the write may have been stored: to repeat it safely, set a `request_id` and send
    /// the same one again.
    pub async fn register_scheme(&self, mut request: RegisterSchemeRequest) -> Result<RegisterSchemeResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { registry(channel).register_scheme(request).await },
            )
            .await
    }

    /// Removes a scheme of the tenant. A write, as [`register_scheme`](Self::register_scheme) is.
    pub async fn unregister_scheme(
        &self,
        mut request: UnregisterSchemeRequest,
    ) -> Result<UnregisterSchemeResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).unregister_scheme(request).await
            })
            .await
    }

    /// Adds or replaces a template. A write, as [`register_scheme`](Self::register_scheme) is.
    pub async fn register_template(
        &self,
        mut request: RegisterTemplateRequest,
    ) -> Result<RegisterTemplateResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).register_template(request).await
            })
            .await
    }

    /// Removes a template of the tenant. A write, as [`register_scheme`](Self::register_scheme) is.
    pub async fn unregister_template(
        &self,
        mut request: UnregisterTemplateRequest,
    ) -> Result<UnregisterTemplateResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).unregister_template(request).await
            })
            .await
    }

    /// Changes the catalogue that requests of the tenant use if they name none. A write, as
    /// [`register_scheme`](Self::register_scheme) is. The request must name the catalogue: the client does not fill in
    /// its own.
    pub async fn set_default_catalog(
        &self,
        mut request: SetDefaultCatalogRequest,
    ) -> Result<SetDefaultCatalogResponse, Error> {
        self.fill_in_write(&mut request.tenant, &mut request.request_id);
        self.shared
            .servers
            .call(self.timeout, request, |channel, request| async move {
                registry(channel).set_default_catalog(request).await
            })
            .await
    }

    /// One page of the writes to the tenant's registry, newest first.
    pub async fn list_changes(&self, mut request: ListChangesRequest) -> Result<ListChangesResponse, Error> {
        self.fill_in_tenant(&mut request.tenant);
        self.shared
            .servers
            .call(
                self.timeout,
                request,
                |channel, request| async move { registry(channel).list_changes(request).await },
            )
            .await
    }

    /// The writes of the page that is asked for and of all that follow it, each page a call, when it is wanted.
    pub fn all_changes(
        &self,
        request: ListChangesRequest,
    ) -> impl Stream<Item = Result<ChangeRecord, Error>> + Send + Unpin + use<> {
        let client = self.clone();
        pages(request.page_token.clone(), move |page_token| {
            let (client, request) = (client.clone(), ListChangesRequest { page_token, ..request.clone() });
            async move { client.list_changes(request).await.map(|page| (page.changes, page.next_page_token)) }
        })
    }

    fn fill_in_tenant(&self, tenant: &mut String) {
        if tenant.is_empty() {
            tenant.clone_from(&self.shared.tenant);
        }
    }

    fn fill_in(&self, tenant: &mut String, catalog: &mut String) {
        self.fill_in_tenant(tenant);
        if catalog.is_empty() {
            catalog.clone_from(&self.shared.catalog);
        }
    }

    fn fill_in_write(&self, tenant: &mut String, request_id: &mut String) {
        self.fill_in_tenant(tenant);
        if request_id.is_empty() {
            *request_id = uuid::Uuid::new_v4().to_string();
        }
    }
}

/// The entries of a page and of all that follow it. `ask` gives the entries of one, and the token of the next.
fn pages<T, F>(
    first: String,
    ask: impl Fn(String) -> F + Send + 'static,
) -> impl Stream<Item = Result<T, Error>> + Send + Unpin
where
    T: Send + 'static,
    F: Future<Output = Result<(Vec<T>, String), Error>> + Send + 'static,
{
    stream::try_unfold(Some(first), move |token| {
        let page = token.map(&ask);
        async move {
            let Some(page) = page else { return Ok::<_, Error>(None) };
            let (entries, next) = page.await?;
            Ok(Some((stream::iter(entries.into_iter().map(Ok)), Some(next).filter(|token| !token.is_empty()))))
        }
    })
    .try_flatten()
    .boxed()
}

fn config(channel: Channel) -> ConfigServiceClient<Channel> {
    ConfigServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES)
}

fn registry(channel: Channel) -> RegistryServiceClient<Channel> {
    RegistryServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES)
}
