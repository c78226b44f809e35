// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// What the scripts deploy: state, an event with indexed and plain parts, a revert with a reason and
/// one with a custom error.
contract Counter {
    uint256 public value;
    mapping(address => uint256) public times;

    event Raised(address indexed by, uint256 indexed step, uint256 value, string note);

    error TooMuch(uint256 asked, uint256 most);

    constructor(uint256 start) {
        value = start;
    }

    function raise(uint256 step, string calldata note) external returns (uint256) {
        require(step > 0, "step is zero");
        if (step > 100) revert TooMuch(step, 100);
        value += step;
        times[msg.sender]++;
        emit Raised(msg.sender, step, value, note);
        return value;
    }
}
