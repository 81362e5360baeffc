// PPP protocol numbers: https://www.iana.org/assignments/ppp-numbers
export const PPP_IPV4 = 0x0021;
export const PPP_IPV6 = 0x0057;
