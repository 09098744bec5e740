/*
 * Members of rooms over WebSocket, much cheaper than any server: raw sockets, one epoll, and messages counted by
 * scanning what comes for a mark. Usage: crowd PORT LIST HELLO POST CONCURRENCY
 *   LIST   a file with a line for each member: room number, 1 if they post, path, further header (may be empty); tabs between
 *   HELLO  the first frame of each member; empty for none
 *   POST   a frame that says something; %t stands for the text and %k for a key
 * It takes commands by standard input, and answers each with one line of JSON:
 *   open N               opens sockets until there are N
 *   flood UNDERWAY MS    so many messages under way: for each that has reached its last member its poster says another
 *   pace RATE MS         so many messages a second in all, evenly; and how long until the last member had each
 *   post COUNT UNDERWAY  says so many things
 *   count MS             counts what comes
 *   beat                 a pong on every socket
 *   cpu PID              the milliseconds of CPU that a process has used, finer than the ticks of /proc/PID/stat
 */
#include "wire.h"

#define TEXT 200
#define CARRY 10
#define IDS (1 << 16)
#define MEMBERS 16384
#define BUFFER (256 * 1024)
#define COMMAND_S 120

typedef struct {
  int fd, room, posts, carried;
  char carry[CARRY];
  char *path, *header;
  size_t pending;
  char *outbox;
} Member;

typedef struct {
  double at, last;
  int poster, count;
} Said;

static Member members[MEMBERS];
static Said said[IDS];
static int posters[MEMBERS], room_sizes[MEMBERS];
static int listed, opened, poster_count, poll_fd, port, again, wants_latency;
static unsigned posted, posts_left, returned;
static long deliveries, arrived;
static double *latencies;
static unsigned latency_count, latency_limit;
static const char *hello, *post_form;
static char buffer[BUFFER];

static void read_list(const char *name) {
  FILE *file = fopen(name, "r");
  char line[2048];
  if (!file) fail(name);
  while (fgets(line, sizeof line, file)) {
    if (listed == MEMBERS) quit("too many members");
    Member *member = &members[listed++];
    char *rest = line;
    line[strcspn(line, "\n")] = 0;
    member->room = atoi(strsep(&rest, "\t"));
    if (member->room < 0 || member->room >= MEMBERS) quit("too many rooms");
    member->posts = atoi(strsep(&rest, "\t"));
    member->path = strdup(strsep(&rest, "\t"));
    member->header = strdup(rest ? rest : "");
  }
  fclose(file);
}

static void shake(Member *member) {
  char head[2048];
  int length = snprintf(head, sizeof head,
    "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:%d\r\n%s%s\r\n",
    member->path, port, port, member->header, *member->header ? "\r\n" : "");
  member->fd = dial(port);
  send_all(member->fd, head, length);
}

/* Reads the answer up to its blank line, and not a byte of what follows. */
static void shaken(Member *member) {
  char head[4096];
  int length = 0;
  while (length < 4 || memcmp(head + length - 4, "\r\n\r\n", 4)) {
    ssize_t got = recv(member->fd, head + length, sizeof head - 1 - length, MSG_PEEK);
    if (got == 0) quit("a socket was closed before its handshake was answered");
    if (got < 0) fail("handshake");
    head[length + got] = 0;
    char *end = strstr(head, "\r\n\r\n");
    got = end ? end + 4 - (head + length) : got;
    length += recv(member->fd, head + length, got, 0);
  }
  if (strncmp(head, "HTTP/1.1 101", 12)) {
    head[length] = 0;
    fprintf(stderr, "handshake refused: %s", head);
    exit(1);
  }
}

static void begin(Member *member, int index) {
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};
  char frame[512];
  if (*hello) send_all(member->fd, frame, text_frame(frame, hello, strlen(hello)));
  fcntl(member->fd, F_SETFL, O_NONBLOCK);
  epoll_ctl(poll_fd, EPOLL_CTL_ADD, member->fd, &event);
  room_sizes[member->room]++;
  if (member->posts) posters[poster_count++] = index;
}

static size_t fill(char *into, const char *text, unsigned number) {
  size_t length = 0;
  for (const char *from = post_form; *from; from++) {
    if (from[0] == '%' && from[1] == 't') {
      memcpy(into + length, text, TEXT);
      length += TEXT;
      from++;
    } else if (from[0] == '%' && from[1] == 'k') {
      length += sprintf(into + length, "k%x-%x", (unsigned)getpid(), number);
      from++;
    } else into[length++] = *from;
  }
  return length;
}

/* Puts a message in its poster's outbox; `flush` sends what one round of the loop has gathered. */
static void post(int poster) {
  Member *member = &members[poster];
  char text[TEXT + 1], form[TEXT * 3];
  /* A key that comes again is a message that was said already: ids are used again, and keys are not. */
  unsigned number = posted++, id = number % IDS;
  memset(text, 'x', TEXT);
  for (int i = 16; i < TEXT; i += 8) text[i] = ' ';
  text[0] = text[1] = MARK;
  for (int i = 0; i < 8; i++) text[2 + i] = "0123456789abcdef"[(id >> (28 - 4 * i)) & 15];
  said[id] = (Said){.at = now(), .poster = poster};
  if (!member->outbox) member->outbox = malloc(BUFFER);
  if (member->pending > BUFFER - 2048) fail("outbox");
  member->pending += text_frame(member->outbox + member->pending, form, fill(form, text, number));
}

static void flush(int poster) {
  Member *member = &members[poster];
  if (member->pending == 0) return;
  send_all(member->fd, member->outbox, member->pending);
  member->pending = 0;
}

static void delivered(int index, const char *mark) {
  unsigned id = 0;
  for (int i = 2; i < 10; i++) id = id << 4 | ((mark[i] & 15) + (mark[i] > '9' ? 9 : 0));
  Said *message = &said[id % IDS];
  deliveries++;
  if (++message->count != room_sizes[members[index].room]) return;
  if (wants_latency && latency_count < latency_limit) latencies[latency_count++] = now() - message->at;
  returned++;
  if (!again || posts_left == 0) return;
  posts_left--;
  post(message->poster);
}

static void scan(int index, char *bytes, size_t length) {
  char *at = bytes, *end = bytes + length;
  while ((at = memchr(at, MARK, end - at)) && at + CARRY <= end) {
    if (at[1] == MARK) delivered(index, at);
    at += at[1] == MARK ? CARRY : 1;
  }
  Member *member = &members[index];
  member->carried = at ? end - at : 0;
  if (at) memcpy(member->carry, at, end - at);
}

static void take(int index) {
  Member *member = &members[index];
  memcpy(buffer, member->carry, member->carried);
  ssize_t got = recv(member->fd, buffer + member->carried, BUFFER - CARRY, 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got == 0) quit("a socket was closed");
  if (got < 0) fail("a socket was cut");
  arrived += got;
  scan(index, buffer, member->carried + got);
}

static void turn(int timeout) {
  struct epoll_event events[1024];
  int count = epoll_wait(poll_fd, events, 1024, timeout);
  for (int i = 0; i < count; i++) take(events[i].data.u32);
  for (int i = 0; again && i < poster_count; i++) flush(posters[i]);
}

static void turn_until(double end) {
  for (double left; (left = end - now()) > 0;) turn(left < 1 ? 1 : (int)left);
}

static void open_sockets(int target, int concurrency) {
  double start = now();
  int before = opened;
  if (target > listed) quit("more sockets than members");
  while (opened < target) {
    int last = opened + concurrency < target ? opened + concurrency : target;
    for (int i = opened; i < last; i++) shake(&members[i]);
    for (int i = opened; i < last; i++) shaken(&members[i]);
    for (int i = opened; i < last; i++) begin(&members[i], i);
    opened = last;
    turn(0);
  }
  printf("{\"opened\":%d,\"ms\":%.1f}\n", opened - before, now() - start);
}

static void settle(unsigned wanted) {
  double limit = now() + 20000;
  while (returned < wanted && now() < limit) turn(100);
  turn_until(now() + 50);
  if (returned >= wanted) return;
  fprintf(stderr, "%u messages did not come back\n", wanted - returned);
  exit(1);
}

static void allow_underway(unsigned count) {
  if (poster_count == 0) quit("nobody posts");
  if (count < 1 || count > IDS) quit("nothing or too much under way");
}

static void flood(int underway, double ms) {
  allow_underway(underway);
  again = 1;
  posts_left = 1u << 31;
  for (int i = 0; i < underway; i++) post(posters[i % poster_count]);
  for (int i = 0; i < poster_count; i++) flush(posters[i]);
  turn_until(now() + ms / 5);
  double start = now(), cpu = clock() * 1e3 / CLOCKS_PER_SEC;
  long from = deliveries, bytes = arrived;
  unsigned said_from = returned;
  turn_until(start + ms);
  // Nothing is no rate: a stall of the machine can be longer than that.
  while (deliveries == from) turn_until(now() + ms);
  double taken = now() - start, load = (clock() * 1e3 / CLOCKS_PER_SEC - cpu) / taken;
  long came = deliveries - from, size = arrived - bytes;
  unsigned said_then = returned - said_from;
  again = 0;
  settle(posted);
  printf("{\"rate\":%.0f,\"messages\":%.0f,\"bytes\":%.1f,\"load\":%.2f}\n", came / taken * 1e3, said_then / taken * 1e3,
    came ? (double)size / came : 0, load);
}

static int by_size(const void *a, const void *b) {
  double difference = *(const double *)a - *(const double *)b;
  return difference < 0 ? -1 : difference > 0;
}

static void pace(double rate, double ms) {
  int total = rate * ms / 1000;
  allow_underway(total);
  unsigned goal = returned + total;
  long from = deliveries;
  double start = now();
  latencies = malloc(sizeof(double) * (total + 1));
  latency_count = 0;
  latency_limit = total;
  wants_latency = 1;
  for (int i = 0; i < total; i++) {
    turn_until(start + i * 1000 / rate);
    int poster = posters[i % poster_count];
    post(poster);
    flush(poster);
  }
  turn_until(start + ms);
  settle(goal);
  wants_latency = 0;
  qsort(latencies, latency_count, sizeof *latencies, by_size);
  printf("{\"messages\":%d,\"deliveries\":%ld,\"p50\":%.3f,\"p99\":%.3f}\n", total, deliveries - from,
    latencies[latency_count / 2], latencies[(int)(latency_count * 0.99)]);
  free(latencies);
}

static void post_many(unsigned count, unsigned underway) {
  double start = now();
  unsigned goal = returned + count;
  allow_underway(underway);
  if (underway > count) quit("more under way than in all");
  again = 1;
  posts_left = count - underway;
  for (unsigned i = 0; i < underway; i++) post(posters[i % poster_count]);
  for (int i = 0; i < poster_count; i++) flush(posters[i]);
  double limit = start + 60000;
  while (returned < goal && now() < limit) turn(100);
  again = 0;
  settle(goal);
  printf("{\"posted\":%u,\"ms\":%.1f}\n", count, now() - start);
}

static void count_only(double ms) {
  turn_until(now() + ms / 5);
  double start = now();
  long from = deliveries;
  turn_until(start + ms);
  printf("{\"rate\":%.0f}\n", (deliveries - from) / (now() - start) * 1e3);
}

static void beat(void) {
  static const char pong[6] = {(char)0x8a, (char)0x80, 1, 2, 3, 4};
  for (int i = 0; i < opened; i++) send_all(members[i].fd, pong, sizeof pong);
  printf("{}\n");
}

static void cpu(pid_t process) {
  clockid_t id;
  struct timespec used = {0};
  if (clock_getcpuclockid(process, &id) || clock_gettime(id, &used)) fail("cpu");
  printf("{\"ms\":%.3f}\n", used.tv_sec * 1e3 + used.tv_nsec / 1e6);
}

int main(int count, char **values) {
  char line[256];
  double a = 0, b = 0;
  if (count < 6) return 2;
  allow_many_files();
  port = atoi(values[1]);
  read_list(values[2]);
  hello = values[3];
  post_form = values[4];
  poll_fd = epoll_create1(0);
  struct pollfd input = {.fd = 0, .events = POLLIN};
  setvbuf(stdout, NULL, _IOLBF, 0);
  setvbuf(stdin, NULL, _IONBF, 0);
  for (;;) {
    /* What comes between two commands is taken, so that nobody is a slow reader. */
    while (poll(&input, 1, 20) == 0) turn(0);
    if (!fgets(line, sizeof line, stdin)) return 0;
    char word[16];
    int fields = sscanf(line, "%15s %lf %lf", word, &a, &b);
    if (fields < 1) continue;
    allow_seconds(COMMAND_S);
    if (!strcmp(word, "open")) open_sockets(a, atoi(values[5]));
    else if (!strcmp(word, "flood")) flood(a, b);
    else if (!strcmp(word, "pace")) pace(a, b);
    else if (!strcmp(word, "post")) post_many(a, b);
    else if (!strcmp(word, "count")) count_only(a);
    else if (!strcmp(word, "beat")) beat();
    else if (!strcmp(word, "cpu")) cpu(a);
    alarm(0);
  }
}
