// A worker of l2l-mpi in C++17: one header without dependencies. optimizee/process/PROTOCOL.md describes what it speaks.
//
//	int main() {
//		return l2l::serve([](const l2l::Evaluation &e) { return std::vector<double>{std::pow(e.number("tau") - 10, 2)}; });
//	}
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace l2l {

// Value is what a msgpack message holds.
struct Value {
	double number = 0;                 // also of an integer, a bool
	std::uint64_t integer = 0;         // exactly
	std::string bytes;                 // of a text or a bin
	std::vector<Value> list;
	std::map<std::string, Value> map;

	const Value &operator[](const std::string &key) const {
		auto found = map.find(key);
		if (found == map.end()) throw std::runtime_error("no " + key);
		return found->second;
	}
};

// Reader reads msgpack.
class Reader {
public:
	explicit Reader(const std::string &message) : at(message.data()), end(at + message.size()) {}

	Value value() {
		Value v;
		const unsigned char c = *take(1);
		if (c < 0x80) integer(v, c);
		else if (c < 0x90) map(v, c & 0xf);
		else if (c < 0xa0) list(v, c & 0xf);
		else if (c < 0xc0) v.bytes = text(c & 0x1f);
		else if (c == 0xc2 || c == 0xc3) integer(v, c & 1);
		else if (c >= 0xc4 && c <= 0xc6) v.bytes = text(number(1 << (c - 0xc4)));
		else if (c == 0xca) { auto raw = std::uint32_t(number(4)); float f; std::memcpy(&f, &raw, 4); v.number = f; }
		else if (c == 0xcb) { auto raw = number(8); std::memcpy(&v.number, &raw, 8); }
		else if (c >= 0xcc && c <= 0xcf) integer(v, number(1 << (c - 0xcc)));
		else if (c >= 0xd0 && c <= 0xd3) {
			const int bits = 64 - (8 << (c - 0xd0));
			const auto raw = std::int64_t(number(1 << (c - 0xd0)) << bits) >> bits; // with its sign
			v.integer = std::uint64_t(raw);
			v.number = double(raw);
		}
		else if (c >= 0xd9 && c <= 0xdb) v.bytes = text(number(1 << (c - 0xd9)));
		else if (c == 0xdc || c == 0xdd) list(v, number(2 << (c - 0xdc)));
		else if (c == 0xde || c == 0xdf) map(v, number(2 << (c - 0xde)));
		else if (c >= 0xe0) { v.number = std::int8_t(c); v.integer = std::uint64_t(std::int64_t(std::int8_t(c))); }
		else if (c != 0xc0) throw std::runtime_error("not msgpack");
		return v;
	}

private:
	const char *at, *end;

	const unsigned char *take(std::uint64_t n) {
		if (n > std::uint64_t(end - at)) throw std::runtime_error("the message ends early");
		const char *p = at;
		at += n;
		return reinterpret_cast<const unsigned char *>(p);
	}
	std::uint64_t number(int bytes) { // big-endian
		std::uint64_t n = 0;
		for (const unsigned char *p = take(bytes), *last = p + bytes; p < last; p++) n = n << 8 | *p;
		return n;
	}
	std::string text(std::uint64_t n) { auto p = reinterpret_cast<const char *>(take(n)); return std::string(p, n); }
	void integer(Value &v, std::uint64_t n) { v.integer = n; v.number = double(n); }
	void list(Value &v, std::uint64_t n) { while (n-- > 0) v.list.push_back(value()); }
	void map(Value &v, std::uint64_t n) { while (n-- > 0) { auto key = value().bytes; v.map[key] = value(); } }
};

// Evaluation is what is asked for.
struct Evaluation {
	Value params;
	std::uint64_t seed = 0;
	int instance = 0;
	Value constants;

	double number(const std::string &name) const { return params[name].number; } // float, int, bool
	const std::string &choice(const std::string &name) const { return params[name].bytes; }
	std::vector<double> vector(const std::string &name) const { // of floats: little-endian doubles
		const std::string &raw = params[name].bytes;
		std::vector<double> v(raw.size() / 8);
		std::memcpy(v.data(), raw.data(), 8 * v.size());
		return v;
	}
};

// Connection reads and writes frames.
class Connection {
public:
	Connection() : in(descriptor("L2L_FD_IN")), out(descriptor("L2L_FD_OUT")) {}

	bool receive(std::string &message) {
		std::string head;
		if (!read(head, 4)) return false;
		std::uint32_t n = 0;
		for (int i = 3; i >= 0; i--) n = n << 8 | static_cast<unsigned char>(head[i]);
		return read(message, n);
	}
	void send(const std::string &message) {
		std::string frame;
		for (int i = 0; i < 4; i++) frame += char(message.size() >> 8 * i);
		frame += message;
		for (std::size_t done = 0; done < frame.size();) {
			const ssize_t n = ::write(out, frame.data() + done, frame.size() - done);
			if (n < 0) std::exit(1); // l2l-mpi has ended
			done += n;
		}
	}

private:
	int in, out;

	static int descriptor(const char *variable) {
		const char *text = std::getenv(variable);
		if (!text) throw std::runtime_error(std::string("not started by l2l-mpi: there is no ") + variable);
		const int fd = std::atoi(text);
		::fcntl(fd, F_SETFD, FD_CLOEXEC);
		::unsetenv(variable);
		return fd;
	}
	bool read(std::string &into, std::size_t size) {
		into.resize(size);
		for (std::size_t done = 0; done < size;) {
			const ssize_t n = ::read(in, &into[done], size - done);
			if (n <= 0) return false;
			done += n;
		}
		return true;
	}
};

// serve answers requests, as long as there are any. evaluate returns a number for each objective; an exception makes the evaluation a
// failed one. The result is for main to return.
inline int serve(const std::function<std::vector<double>(const Evaluation &)> &evaluate) try {
	Connection connection;
	std::string message;
	connection.send(R"({"protocol": 2, "encoding": "msgpack", "worker": "C++"})");
	if (!connection.receive(message)) return 0;
	const Value setup = Reader(message).value();
	auto big = [](char code, std::size_t n) { // a msgpack head with a length of 4 bytes, or a number of as many
		return std::string{code, char(n >> 24), char(n >> 16), char(n >> 8), char(n)};
	};
	auto number = [&](const Value &asked) { return "\xa6number" + big('\xce', asked["number"].integer); };
	connection.send("\x81" + number(setup)); // ready
	while (connection.receive(message)) {
		const Value request = Reader(message).value();
		const auto &asked = request["evaluations"].list;
		std::string answer = "\x82" + number(request) + "\xa7results" + big('\xdd', asked.size());
		for (const Value &e : asked) {
			try {
				Evaluation evaluation{e["params"], e["seed"].integer, int(e["instance"].number), setup["constants"]};
				const std::vector<double> fitness = evaluate(evaluation);
				answer += "\x81\xa7" "fitness" + big('\xc6', 8 * fitness.size());
				answer.append(reinterpret_cast<const char *>(fitness.data()), 8 * fitness.size());
			} catch (const std::exception &error) {
				answer += "\x81\xa5" "error" + big('\xdb', std::strlen(error.what())) + error.what();
			}
		}
		std::fflush(nullptr);
		connection.send(answer);
	}
	return 0;
} catch (const std::exception &error) {
	std::fprintf(stderr, "%s\n", error.what());
	return 1;
}

} // namespace l2l
