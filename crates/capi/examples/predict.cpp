// Loads a model file and tells the digits of an IDX file of images, from C++: a class owns the network, and a status
// that is not TL_OK becomes an exception.
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
    if (status != TL_OK)
        throw std::runtime_error(tl_last_error_message());
}

class Network {
  public:
    explicit Network(const char *path) {
        tl_network *network = nullptr;
        check(tl_network_load(path, &network));
        network_.reset(network);
        check(tl_network_get_info(network, &info_, sizeof info_));
    }

    std::vector<std::uint32_t> classify(const std::vector<std::uint8_t> &pixels) const {
        std::vector<std::uint32_t> classes(pixels.size() / info_.inputs);
        const tl_matrix x = tl_u8(pixels.data(), classes.size(), info_.inputs);
        check(tl_classify(network_.get(), x, classes.data(), classes.size()));
        return classes;
    }

  private:
    struct Free {
        void operator()(tl_network *network) const { tl_network_free(&network); }
    };
    std::unique_ptr<tl_network, Free> network_;
    tl_network_info info_;
};

std::vector<std::uint8_t> read_images(const char *path) {
    tl_type type = TL_U8;
    std::size_t dimensions = 0, sizes[3] = {1, 1, 1};
    check(tl_idx_info(path, &type, &dimensions, sizes, 3));
    std::vector<std::uint8_t> images(sizes[0] * sizes[1] * sizes[2]);
    check(tl_idx_read(path, tl_out_u8(images.data(), sizes[0], sizes[1] * sizes[2])));
    return images;
}

} // namespace

int main(int argc, char **argv) try {
    if (argc != 3) {
        std::fprintf(stderr, "usage: predict MODEL IMAGES\n");
        return 2;
    }
    const std::vector<std::uint32_t> digits = Network(argv[1]).classify(read_images(argv[2]));
    for (std::size_t i = 0; i < digits.size() && i < 20; i++)
        std::printf("%u ", static_cast<unsigned>(digits[i]));
    std::printf("\n");
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return 1;
}
