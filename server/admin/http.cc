// SPDX-License-Identifier: Apache-2.0
#include "server/admin/http.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>
#include <chrono>
#include <exception>
#include <future>
#include <limits>
#include <list>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr size_t kMaxTargetBytes = 8u << 10;
constexpr size_t kReadBytes = 4u << 10;
constexpr size_t kMaxDrainedBytes = 64u << 10;
constexpr std::chrono::seconds kMaxLinger{1};

absl::StatusOr<tcp::resolver::results_type> Resolve(asio::io_context& context, const HostAndPort& address,
                                                    tcp::resolver::flags flags) {
  error_code error;
  tcp::resolver resolver(context);
  auto endpoints = resolver.resolve(address.host, absl::StrCat(address.port), flags, error);
  if (error) return absl::UnavailableError(error.message());
  return endpoints;
}

// Like Resolve(), but kDeadlineExceeded after `timeout`. getaddrinfo() can take long and cannot be cancelled, so it
// runs on a thread that may outlive this call.
absl::StatusOr<tcp::resolver::results_type> ResolveWithin(absl::Duration timeout, const HostAndPort& address) {
  std::promise<absl::StatusOr<tcp::resolver::results_type>> promise;
  auto endpoints = promise.get_future();
  std::thread([promise = std::move(promise), address]() mutable {
    try {
      asio::io_context context;
      promise.set_value(Resolve(context, address, tcp::resolver::numeric_service));
    } catch (const std::exception& error) {
      promise.set_value(absl::UnavailableError(error.what()));
    }
  }).detach();
  if (endpoints.wait_for(absl::ToChronoNanoseconds(timeout)) != std::future_status::ready) {
    return absl::DeadlineExceededError("the name was not resolved in time");
  }
  return endpoints.get();
}

// The value of the header Host.
std::string HostHeader(const HostAndPort& address) {
  if (!absl::StrContains(address.host, ':')) return absl::StrCat(address.host, ":", address.port);
  // Without the interface, whose name means nothing to another machine.
  return absl::StrCat("[", address.host.substr(0, address.host.find('%')), "]:", address.port);
}

// Whether accept() failed because the process or the system has no file descriptors or memory left.
bool IsOutOfResources(const error_code& error) {
  namespace errc = boost::system::errc;
  return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
         error == errc::no_buffer_space || error == errc::not_enough_memory;
}

// The response to a request that cannot be parsed. Status 0: the client has gone away or is too slow.
HttpResponse ParseErrorResponse(const error_code& error) {
  HttpResponse response;
  response.headers["Content-Type"] = "text/plain; charset=utf-8";
  if (error == http::error::header_limit) {
    response.status = 431;
    response.body = "the request header is too large\n";
  } else if (error.category() == make_error_code(http::error::bad_method).category() &&
             error != http::error::end_of_stream && error != http::error::partial_message) {
    response.status = 400;
    response.body = "malformed HTTP request\n";
  } else {
    response.status = 0;
  }
  return response;
}

// An exception, such as std::bad_alloc, ends only the request.
HttpResponse Respond(const HttpServer::Handler& handler, const HttpRequest& request) {
  try {
    return handler(request);
  } catch (const std::exception&) {
    return {500, {}, ""};
  }
}

}  // namespace

// The port and its connections. Everything but the handler runs on one thread, so nothing is locked.
class HttpServer::Listener {
 public:
  Listener(Handler handler, EventLog log, const HttpLimits& limits)
      : limits_(limits), handler_(std::move(handler)), log_(std::move(log)), handler_threads_(limits.max_connections) {}
  ~Listener();

  // Starts to serve. Like HttpServer::Start().
  absl::Status Start(const HostAndPort& address);

  int port() const { return endpoint_.port(); }

 private:
  friend class Connection;

  error_code Open(const tcp::endpoint& endpoint);
  void Accept();
  void OnAccepted(const error_code& error, tcp::socket socket);
  void Reopen();
  void CallAfter(absl::Duration pause, void (Listener::*next)());

  const HttpLimits limits_;
  const Handler handler_;
  const EventLog log_;
  asio::io_context context_;
  tcp::acceptor acceptor_{context_};
  asio::steady_timer timer_{context_};
  tcp::endpoint endpoint_;
  std::list<std::shared_ptr<Connection>> connections_;  // in the order in which they may be closed
  asio::thread_pool handler_threads_;
  std::thread thread_;  // runs context_
};

// Reads one request, passes it to the handler, and writes the response. Kept alive by its pending operations.
class HttpServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Listener& listener, tcp::socket socket) : listener_(listener), stream_(std::move(socket)) {
    stream_.expires_after(absl::ToChronoNanoseconds(listener.limits_.max_connection_time));
    parser_.header_limit(static_cast<uint32_t>(listener.limits_.max_header_bytes));
    parser_.body_limit(std::numeric_limits<uint64_t>::max());  // bodies are not read; Boost 1.74 has no "no limit"
  }

  void Read() {
    http::async_read_header(stream_, buffer_, parser_, [self = shared_from_this()](const error_code& error, size_t) {
      if (!error) return self->Handle();
      HttpResponse response = ParseErrorResponse(error);
      response.status == 0 ? self->Finish() : self->Write(std::move(response));
    });
  }

  // Drops the pending operation and the response.
  void Close() {
    closed_ = true;
    stream_.close();
  }

 private:
  void Handle() {
    const auto target = parser_.get().target();
    if (target.size() > kMaxTargetBytes) return Write({414, {}, ""});
    const auto method = parser_.get().method_string();
    const auto authorization = parser_.get()[http::field::authorization];
    HttpRequest request = {std::string(method), std::string(target.substr(0, target.find('?'))),
                           std::string(authorization)};
    asio::post(listener_.handler_threads_, [self = shared_from_this(), request = std::move(request)] {
      if (self->closed_) return;
      HttpResponse response = Respond(self->listener_.handler_, request);
      asio::post(self->stream_.get_executor(),
                 [self, response = std::move(response)]() mutable { self->Write(std::move(response)); });
    });
  }

  void Write(HttpResponse response) {
    response_.version(11);
    response_.result(static_cast<unsigned>(response.status));
    for (const auto& [name, value] : response.headers) response_.set(name, value);
    response_.keep_alive(false);
    response_.content_length(response.body.size());
    if (parser_.get().method() != http::verb::head) response_.body() = std::move(response.body);
    http::async_write(stream_, response_, [self = shared_from_this()](const error_code& error, size_t) {
      error ? self->Finish() : self->Linger();
    });
  }

  // Waits until the client closes the connection. If it were closed while bytes of the client are unread, as those
  // after the HTTP/2 preface, TCP would reset it, and the client might never see the response.
  void Linger() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    stream_.expires_after(kMaxLinger);
    // When there are too many connections, this one is closed first.
    auto& connections = listener_.connections_;
    const auto self = std::find(connections.begin(), connections.end(), shared_from_this());
    if (self != connections.end()) connections.splice(connections.begin(), connections, self);
    Drain();
  }

  void Drain() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = shared_from_this()](const error_code& error, size_t n) {
                              self->drained_bytes_ += n;
                              error || self->drained_bytes_ > kMaxDrainedBytes ? self->Finish() : self->Drain();
                            });
  }

  void Finish() {
    Close();
    listener_.connections_.remove(shared_from_this());
  }

  Listener& listener_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  size_t drained_bytes_ = 0;
  std::atomic<bool> closed_ = false;
};

HttpServer::Listener::~Listener() {
  context_.stop();
  if (thread_.joinable()) thread_.join();
  error_code ignored;
  acceptor_.close(ignored);
  for (const auto& connection : connections_) connection->Close();
  handler_threads_.stop();
  handler_threads_.join();
}

absl::Status HttpServer::Listener::Start(const HostAndPort& address) {
  const auto endpoints = Resolve(context_, address, tcp::resolver::passive | tcp::resolver::numeric_service);
  if (!endpoints.ok()) return endpoints.status();
  error_code error;
  for (const auto& entry : *endpoints) {
    error = Open(entry.endpoint());
    if (!error) break;
  }
  if (error) return absl::UnavailableError(error.message());
  endpoint_ = acceptor_.local_endpoint();
  Accept();
  thread_ = std::thread([this] { context_.run(); });
  return absl::OkStatus();
}

error_code HttpServer::Listener::Open(const tcp::endpoint& endpoint) {
  error_code error, ignored;
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(tcp::acceptor::max_listen_connections, error);
  if (error) acceptor_.close(ignored);
  return error;
}

void HttpServer::Listener::Accept() {
  acceptor_.async_accept([this](const error_code& error, tcp::socket socket) { OnAccepted(error, std::move(socket)); });
}

void HttpServer::Listener::OnAccepted(const error_code& error, tcp::socket socket) {
  // Clients wait until the process or the system has resources again.
  if (IsOutOfResources(error)) return CallAfter(absl::Milliseconds(10), &Listener::Accept);
  if (error) {
    log_.Error("HTTP port failed; reopening it", {{"port", port()}, {"error", error.message()}});
    error_code ignored;
    acceptor_.close(ignored);
    return CallAfter(absl::Seconds(1), &Listener::Reopen);
  }
  if (connections_.size() >= limits_.max_connections) {
    connections_.front()->Close();
    connections_.pop_front();
  }
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
  connections_.back()->Read();
  Accept();
}

void HttpServer::Listener::Reopen() {
  if (Open(endpoint_)) return CallAfter(absl::Seconds(1), &Listener::Reopen);
  log_.Info("HTTP port reopened", {{"port", port()}});
  Accept();
}

void HttpServer::Listener::CallAfter(absl::Duration pause, void (Listener::*next)()) {
  timer_.expires_after(absl::ToChronoMilliseconds(pause));
  timer_.async_wait([this, next](const error_code& error) {
    if (!error) (this->*next)();
  });
}

absl::StatusOr<std::unique_ptr<HttpServer>> HttpServer::Start(const HostAndPort& address, Handler handler, EventLog log,
                                                              const HttpLimits& limits) {
  try {  // the system may have no threads or file descriptors left
    auto listener = std::make_unique<Listener>(std::move(handler), std::move(log), limits);
    if (const absl::Status status = listener->Start(address); !status.ok()) return status;
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(listener)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(error.what());
  }
}

HttpServer::HttpServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}

HttpServer::~HttpServer() = default;

int HttpServer::port() const { return listener_->port(); }

absl::StatusOr<HttpResponse> HttpGet(const HostAndPort& address, absl::string_view path, absl::Duration timeout) {
  try {  // the system may have no memory or file descriptors left
    const auto end = std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(timeout);
    const auto endpoints = ResolveWithin(timeout, address);
    if (!endpoints.ok()) return endpoints.status();
    asio::io_context context;
    beast::tcp_stream stream(context);
    stream.expires_at(end);
    http::request<http::empty_body> request(http::verb::get, std::string(path), 11);
    request.set(http::field::host, HostHeader(address));
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    error_code result;
    stream.async_connect(*endpoints, [&](const error_code& connected, const tcp::endpoint&) {
      result = connected;
      if (result) return;
      http::async_write(stream, request, [&](const error_code& sent, size_t) {
        result = sent;
        if (result) return;
        http::async_read(stream, buffer, response, [&](const error_code& received, size_t) { result = received; });
      });
    });
    context.run();
    if (result == beast::error::timeout) return absl::DeadlineExceededError("no response in time");
    if (result) return absl::UnavailableError(result.message());
    return HttpResponse{static_cast<int>(response.result_int()), {}, std::move(response.body())};
  } catch (const std::exception& error) {
    return absl::UnavailableError(error.what());
  }
}

}  // namespace qconfig
