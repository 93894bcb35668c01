// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/connection_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <string>

namespace qconfig {
namespace {

using Admission = ConnectionTable::Admission;

// A table of at most four connections, two for each peer. The test owns the connections.
class ConnectionTableTest : public testing::Test {
 protected:
  ~ConnectionTableTest() override {
    while (!other_ends_.empty()) Close(other_ends_.begin()->first);
  }

  // A connected socket.
  int Open() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    other_ends_[ends[0]] = ends[1];
    return ends[0];
  }

  void Close(int fd) {
    close(other_ends_.at(fd));
    close(fd);
    other_ends_.erase(fd);
  }

  int Add(const std::string& peer) {
    const int fd = Open();
    EXPECT_EQ(table_.Add(fd, peer), Admission::kAdmitted);
    return fd;
  }

  int AddActive(const std::string& peer) {
    const int fd = Add(peer);
    table_.MarkActive(fd);
    return fd;
  }

  // Whether the socket still works.
  bool IsOpen(int fd) const {
    char byte = 0;
    return recv(other_ends_.at(fd), &byte, 1, MSG_DONTWAIT) < 0;
  }

  absl::Duration now_ = absl::Hours(1);
  ConnectionTable table_{{4, 2}, Clock(absl::Now, [this] { return now_; })};
  std::map<int, int> other_ends_;
};

TEST_F(ConnectionTableTest, OldestSilentConnectionMakesRoom) {
  const int first = Add("a"), second = Add("b"), third = Add("c"), fourth = Add("d");
  table_.MarkActive(first);
  Add("e");
  EXPECT_TRUE(IsOpen(first)) << "it is active";
  EXPECT_FALSE(IsOpen(second));
  EXPECT_TRUE(IsOpen(third));
  EXPECT_TRUE(IsOpen(fourth));
  EXPECT_EQ(table_.counts().evicted, 1);
  EXPECT_EQ(table_.counts().active, 1);
  EXPECT_EQ(table_.counts().silent, 3);
}

TEST_F(ConnectionTableTest, ActiveConnectionsStayAndNewOnesAreRejected) {
  for (const char* peer : {"a", "b", "c", "d"}) AddActive(peer);
  EXPECT_EQ(table_.Add(Open(), "e"), Admission::kRejected);
  EXPECT_EQ(table_.counts().rejected, 1);
  EXPECT_EQ(table_.counts().active, 4);
  for (const auto& [fd, other_end] : other_ends_) EXPECT_TRUE(IsOpen(fd));
}

TEST_F(ConnectionTableTest, PeerAtItsLimitLosesItsOwnSilentConnections) {
  const int other = Add("other"), first = Add("peer"), second = Add("peer");
  Add("peer");
  EXPECT_TRUE(IsOpen(other)) << "older, but of another peer";
  EXPECT_FALSE(IsOpen(first));
  EXPECT_TRUE(IsOpen(second));
}

TEST_F(ConnectionTableTest, PeerWithActiveConnectionsIsRejectedAtItsLimit) {
  AddActive("peer");
  AddActive("peer");
  EXPECT_EQ(table_.Add(Open(), "peer"), Admission::kRejectedPeer);
  Add("other");
  EXPECT_EQ(table_.counts().rejected_peer, 1);
  EXPECT_EQ(table_.counts().rejected, 0);
}

TEST_F(ConnectionTableTest, ConnectionsWithoutAddressHaveNoLimitOfAPeer) {
  for (int i = 0; i < 4; ++i) AddActive("");
  EXPECT_EQ(table_.Add(Open(), ""), Admission::kRejected) << "the limit of all holds";
}

TEST_F(ConnectionTableTest, ClosedConnectionsAreNotCounted) {
  const int active = AddActive("a"), silent = Add("a"), kept = Add("b");
  const int file = dup(active);
  Close(active);
  close(file);
  Close(silent);
  now_ += absl::Seconds(1);
  EXPECT_EQ(table_.counts().active, 0);
  EXPECT_EQ(table_.counts().silent, 1);
  AddActive("a");
  AddActive("a");
  EXPECT_TRUE(IsOpen(kept));
  EXPECT_EQ(table_.counts().evicted, 0) << "there was room";
}

TEST_F(ConnectionTableTest, NumberThatIsUsedAgainIsANewConnection) {
  const int first = AddActive("a");
  Close(first);
  const int second = Add("b");
  ASSERT_EQ(second, first) << "the system gives out the lowest number";
  EXPECT_EQ(table_.counts().active, 0);
  EXPECT_EQ(table_.counts().silent, 1);
}

TEST_F(ConnectionTableTest, FileWithTheNumberOfAClosedConnectionIsLeftAlone) {
  const int first = Add("a");
  Close(first);
  const int other = Open();
  ASSERT_EQ(other, first);
  for (const char* peer : {"b", "c", "d", "e"}) Add(peer);
  EXPECT_TRUE(IsOpen(other)) << "it is not the connection that was added";
  EXPECT_EQ(table_.counts().evicted, 0);
}

TEST_F(ConnectionTableTest, LackOfDescriptorsEndsTheOldestSilentConnection) {
  const int active = AddActive("a"), first = Add("b"), second = Add("c");
  table_.AcceptFailed(/*out_of_descriptors=*/false);
  EXPECT_TRUE(IsOpen(first));
  table_.AcceptFailed(/*out_of_descriptors=*/true);
  EXPECT_TRUE(IsOpen(active));
  EXPECT_FALSE(IsOpen(first));
  EXPECT_TRUE(IsOpen(second));
  EXPECT_EQ(table_.counts().accept_failures, 2);
}

}  // namespace
}  // namespace qconfig
