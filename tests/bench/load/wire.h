/* What the programs of this folder share: sockets, HTTP heads and masked frames. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK '~'
#define SOCKET_MS 10000

static inline double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

/* Ends where the system says no, with its reason. */
static inline void fail(const char *what) {
  perror(what);
  exit(1);
}

/* Ends for a reason of its own. */
static inline void quit(const char *why) {
  fprintf(stderr, "%s\n", why);
  exit(1);
}

static void ran_out(int signal) {
  static const char words[] = "it took too long\n";
  (void)signal;
  (void)!write(STDERR_FILENO, words, sizeof words - 1);
  _exit(1);
}

/* Nothing goes on for longer, whatever the other side does or does not. */
static inline void allow_seconds(unsigned seconds) {
  signal(SIGALRM, ran_out);
  alarm(seconds);
}

static inline void allow_many_files(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

static inline int dial(int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct timeval wait = {.tv_sec = SOCKET_MS / 1000};
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0) fail("connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* Writes all of it, waiting where the other side is slow to read. */
static inline void send_all(int fd, const char *bytes, size_t length) {
  while (length > 0) {
    ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) {
      struct pollfd wait = {.fd = fd, .events = POLLOUT};
      if (poll(&wait, 1, SOCKET_MS) == 0) quit("the server does not read");
      continue;
    }
    if (sent < 0) fail("send");
    bytes += sent;
    length -= sent;
  }
}

/* A masked text frame (RFC 6455, 5.2); answers its length. */
static inline size_t text_frame(char *frame, const char *text, size_t length) {
  static const unsigned char mask[4] = {0x3a, 0x91, 0x5c, 0xe7};
  size_t head = 2;
  frame[0] = (char)0x81;
  frame[1] = (char)(0x80 | (length < 126 ? length : 126));
  if (length >= 126) {
    frame[2] = (char)(length >> 8);
    frame[3] = (char)length;
    head = 4;
  }
  memcpy(frame + head, mask, 4);
  head += 4;
  for (size_t i = 0; i < length; i++) frame[head + i] = text[i] ^ mask[i & 3];
  return head + length;
}
