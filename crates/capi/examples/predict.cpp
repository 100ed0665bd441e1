// Loads a model file and tells the digits of an IDX file of images, from C++: handles are freed by a unique_ptr, and a
// status that is not TL_STATUS_OK becomes an exception.
//
//     predict MODEL IMAGES
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <twolayer.h>
#include <vector>

namespace {

void check(tl_status status) {
    if (status != TL_STATUS_OK)
        throw std::runtime_error(tl_last_error_message());
}

struct Free {
    void operator()(tl_network_f32 *network) const { tl_network_free_f32(&network); }
};
using Network = std::unique_ptr<tl_network_f32, Free>;

Network load(const char *path) {
    tl_network_f32 *network = nullptr;
    check(tl_network_load_f32(path, &network));
    return Network(network);
}

std::vector<std::uint8_t> read_images(const char *path) {
    std::int32_t element = 0;
    std::size_t dimensions = 0, sizes[3] = {1, 1, 1};
    check(tl_idx_info(path, &element, &dimensions, sizes, 3));
    std::vector<std::uint8_t> images(sizes[0] * sizes[1] * sizes[2]);
    check(tl_idx_read_u8(path, images.data(), images.size()));
    return images;
}

} // namespace

int main(int argc, char **argv) try {
    if (argc != 3) {
        std::fprintf(stderr, "usage: predict MODEL IMAGES\n");
        return 2;
    }
    const Network network = load(argv[1]);
    const std::vector<std::uint8_t> images = read_images(argv[2]);
    std::size_t inputs = 0, hidden = 0, classes = 0;
    check(tl_network_shape_f32(network.get(), &inputs, &hidden, &classes));
    std::vector<std::uint32_t> digits(images.size() / inputs);
    check(tl_classify_u8_f32(network.get(), images.data(), images.size(), digits.data(), digits.size()));
    for (std::size_t i = 0; i < digits.size() && i < 20; i++)
        std::printf("%u ", static_cast<unsigned>(digits[i]));
    std::printf("\n");
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
}
